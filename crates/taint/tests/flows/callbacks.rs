//! What code leaves with the framework to be called back: listeners, anonymous classes, methods that a layout names.

use crate::support::{NOTHING, check};

#[test]
fn a_listener_is_called() {
    check(
        "activity Main {
             void onCreate(Bundle saved) {
                 findViewById(1).setOnClickListener(new View$OnClickListener() { void onClick(View view) { sink(source()); } });
             }
         }",
        "source -> sink",
    );
}

#[test]
fn a_listener_that_nobody_registers_is_not_called() {
    check(
        "class Listener implements View$OnClickListener { void onClick(View view) { sink(source()); } }
         activity Main { void onCreate(Bundle saved) { Listener it = new Listener(); } }",
        NOTHING,
    );
}

#[test]
fn a_listener_has_what_it_was_made_with() {
    check(
        r#"activity Main {
               void onCreate(Bundle saved) {
                   String x = source(); String y = "none";
                   findViewById(1).setOnClickListener(new View$OnClickListener() { void onClick(View view) { sink1(x); sink2(y); } });
               }
           }"#,
        "source -> sink1",
    );
}

#[test]
fn a_listener_reaches_fields_of_the_object_around_it() {
    check(
        r#"activity Main {
               String f; String g;
               void onCreate(Bundle saved) {
                   findViewById(1).setOnClickListener(new View$OnClickListener() { void onClick(View view) { sink1(f); sink2(g); } });
                   f = source(); g = "none";
               }
           }"#,
        "source -> sink1",
    );
}

#[test]
fn listeners_are_called_in_any_order() {
    check(
        "activity Main {
             String f;
             void onCreate(Bundle saved) {
                 findViewById(1).setOnClickListener(new View$OnClickListener() { void onClick(View view) { sink(f); } });
                 findViewById(2).setOnClickListener(new View$OnClickListener() { void onClick(View view) { f = source(); } });
             }
         }",
        "source -> sink",
    );
}

#[test]
fn a_listener_that_is_set_to_nothing_at_once_is_not_called() {
    check(
        "activity Main {
             void onCreate(Bundle saved) {
                 View view = findViewById(1);
                 view.setOnClickListener(new View$OnClickListener() { void onClick(View view) { sink(source()); } });
                 view.setOnClickListener(null);
             }
         }",
        NOTHING,
    );
}

#[test]
fn a_listener_that_a_listener_registers_is_called() {
    check(
        "activity Main {
             void onCreate(Bundle saved) {
                 findViewById(1).setOnClickListener(new View$OnClickListener() {
                     void onClick(View view) {
                         view.setOnClickListener(new View$OnClickListener() { void onClick(View view) { sink(source()); } });
                     }
                 });
             }
         }",
        "source -> sink",
    );
}

#[test]
fn an_activity_that_listens_itself_is_called() {
    check(
        "activity Main implements View$OnClickListener {
             String f;
             void onCreate(Bundle saved) { f = source(); findViewById(1).setOnClickListener(this); }
             void onClick(View view) { sink(f); }
         }",
        "source -> sink",
    );
}

#[test]
fn a_method_that_a_layout_names_is_called() {
    check("layout { click press; } activity Main { void press(View view) { sink(source()); } }", "source -> sink");
}

#[test]
fn a_method_that_no_layout_names_is_not_called() {
    check("layout { click press; } activity Main { void push(View view) { sink(source()); } }", NOTHING);
}

#[test]
fn a_method_that_a_layout_names_sees_what_was_there_before() {
    check(
        "layout { click press; click pull; }
         activity Main { String f; void press(View view) { f = source(); } void pull(View view) { sink(f); } }",
        "source -> sink",
    );
}

#[test]
fn a_place_is_told_to_who_listens_for_it() {
    check(
        r#"activity Main implements LocationListener {
               void onCreate(Bundle saved) {
                   LocationManager manager = (LocationManager) getSystemService("location");
                   manager.requestLocationUpdates("gps", 0L, 0, this);
               }
               void onLocationChanged(Location location) { sink("" + location.getLatitude()); }
           }"#,
        "location -> sink",
    );
}

#[test]
fn a_dialog_calls_its_button() {
    check(
        "activity Main {
             void onCreate(Bundle saved) {
                 String x = source();
                 new AlertDialog$Builder(this).setPositiveButton(1, new DialogInterface$OnClickListener() {
                     void onClick(DialogInterface dialog, int which) { sink(x); }
                 }).show();
             }
         }",
        "source -> sink",
    );
}

#[test]
fn a_menu_that_is_chosen_is_a_callback() {
    check(
        "activity Main { boolean onOptionsItemSelected(MenuItem item) { sink(source()); return true; } }",
        "source -> sink",
    );
}

#[test]
fn memory_that_runs_low_is_a_callback() {
    check(
        "activity Main { String f; void onCreate(Bundle saved) { f = source(); } void onLowMemory() { sink(f); } }",
        "source -> sink",
    );
}

#[test]
fn a_method_with_the_name_of_a_callback_and_other_arguments_is_not_called() {
    check("activity Main { void onLowMemory(int n) { sink(source()); } }", NOTHING);
}

#[test]
fn a_view_of_ones_own_is_called_where_it_is_shown() {
    check(
        "class Own extends View { Own(Context it) { super(it); } boolean onTouchEvent(MotionEvent event) { sink(source()); return true; } }
         activity Main { void onCreate(Bundle saved) { setContentView(new Own(this)); } }",
        "source -> sink",
    );
}

#[test]
fn what_was_typed_as_a_password_is_worth_protecting() {
    check(
        "layout { password 7; }
         activity Main {
             void onPause() {
                 EditText field = (EditText) findViewById(7); sink1(field.getText().toString());
                 EditText other = (EditText) findViewById(8); sink2(other.getText().toString());
             }
         }",
        "password -> sink1",
    );
}

#[test]
fn a_comparator_is_called_with_what_is_sorted() {
    check(
        "main() {
             List list = new ArrayList(); list.add(source());
             Collections.sort(list, new Comparator() { int compare(Object a, Object b) { sink((String) a); return 0; } });
         }",
        "source -> sink",
    );
}

#[test]
fn a_callback_of_ones_own_is_a_call() {
    check(
        r#"interface Done { void done(String x); }
           class Work { Done done; Work(Done it) { done = it; } void run() { done.done(source()); } }
           main() { new Work(new Done() { void done(String x) { sink(x); } }).run(); }"#,
        "source -> sink",
    );
}

#[test]
fn a_preference_that_changes_is_a_callback() {
    check(
        r#"activity Main implements SharedPreferences$OnSharedPreferenceChangeListener {
               void onCreate(Bundle saved) {
                   SharedPreferences store = getSharedPreferences("s", 0);
                   store.registerOnSharedPreferenceChangeListener(this);
                   store.edit().putString("k", source()).commit();
               }
               void onSharedPreferenceChanged(SharedPreferences store, String key) { sink(store.getString(key, "")); }
           }"#,
        "source -> sink",
    );
}
