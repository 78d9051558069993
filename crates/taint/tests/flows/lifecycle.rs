//! How components live: in which order the framework calls them, and what is never called.

use crate::support::{NOTHING, check};

#[test]
fn an_activity_that_is_declared_runs() {
    check("activity Main { void onCreate(Bundle saved) { sink(source()); } }", "source -> sink");
}

#[test]
fn an_activity_that_is_not_declared_does_not_run() {
    check("class Main extends Activity { void onCreate(Bundle saved) { sink(source()); } }", NOTHING);
}

#[test]
fn what_an_activity_starts_with_is_there_when_it_stops() {
    check("activity Main { String f; void onStart() { f = source(); } void onStop() { sink(f); } }", "source -> sink");
}

#[test]
fn an_activity_comes_back_after_it_stopped() {
    check(
        "activity Main { String f; void onStop() { f = source(); } void onRestart() { sink(f); } }",
        "source -> sink",
    );
}

#[test]
fn what_is_overwritten_before_it_is_read_is_clean() {
    check(
        r#"activity Main { String f; void onCreate(Bundle saved) { f = source(); } void onStart() { f = "none"; } void onResume() { sink(f); } }"#,
        NOTHING,
    );
}

#[test]
fn what_the_first_step_reads_the_last_one_has_not_written_yet() {
    // wrong today: the life of an activity is gone through twice with one object, though every life has its own.
    check(
        "activity Main { String f; void onCreate(Bundle saved) { sink(f); } void onDestroy() { f = source(); } }",
        "source -> sink",
    );
}

#[test]
fn two_activities_have_their_own_fields() {
    check(
        "class Base extends Activity { String f; }
         activity First extends Base { void onCreate(Bundle saved) { f = source(); } }
         activity Second extends Base { void onCreate(Bundle saved) { sink(f); } }",
        NOTHING,
    );
}

#[test]
fn a_step_that_is_inherited_runs_with_the_class_below() {
    check(
        "class Base extends Activity { void onCreate(Bundle saved) { act(); } void act() { } }
         activity Main extends Base { void act() { sink(source()); } }",
        "source -> sink",
    );
}

#[test]
fn a_step_that_is_overridden_does_not_run() {
    check(
        "class Base extends Activity { void onCreate(Bundle saved) { sink(source()); } }
         activity Main extends Base { void onCreate(Bundle saved) { } }",
        NOTHING,
    );
}

#[test]
fn what_an_activity_saves_it_gets_back() {
    check(
        r#"activity Main {
               void onSaveInstanceState(Bundle out) { out.putString("k", source()); out.putString("l", "none"); }
               void onRestoreInstanceState(Bundle in) { sink1(in.getString("k")); sink2(in.getString("l")); }
           }"#,
        "source -> sink1",
    );
}

#[test]
fn what_an_activity_saves_it_is_created_with() {
    check(
        r#"activity Main {
               void onSaveInstanceState(Bundle out) { out.putString("k", source()); }
               void onCreate(Bundle in) { sink(in.getString("k")); }
           }"#,
        "source -> sink",
    );
}

#[test]
fn a_service_is_started_and_stopped() {
    check(
        "service Work {
             String f;
             int onStartCommand(Intent intent, int flags, int id) { f = source(); return 1; }
             void onDestroy() { sink(f); }
         }",
        "source -> sink",
    );
}

#[test]
fn a_service_of_intents_handles_them() {
    check(
        "service Work extends IntentService { Work() { super(\"work\"); } void onHandleIntent(Intent intent) { sink(source()); } }",
        "source -> sink",
    );
}

#[test]
fn a_receiver_that_is_declared_receives() {
    check("receiver R { void onReceive(Context context, Intent intent) { sink(source()); } }", "source -> sink");
}

#[test]
fn a_receiver_that_is_not_declared_receives_nothing() {
    check(
        "class R extends BroadcastReceiver { void onReceive(Context context, Intent intent) { sink(source()); } } main() { }",
        NOTHING,
    );
}

#[test]
fn a_receiver_that_is_registered_receives() {
    check(
        r#"class R extends BroadcastReceiver { void onReceive(Context context, Intent intent) { sink(source()); } }
           activity Main { void onCreate(Bundle saved) { registerReceiver(new R(), new IntentFilter("a")); } }"#,
        "source -> sink",
    );
}

#[test]
fn a_provider_is_asked() {
    check(
        "provider P { Cursor query(Uri uri, String[] columns, String where, String[] args, String order) { sink(source()); return null; } }",
        "source -> sink",
    );
}

#[test]
fn a_provider_that_is_not_declared_is_not_asked() {
    check(
        "class P extends ContentProvider { boolean onCreate() { sink(source()); return true; } } main() { }",
        NOTHING,
    );
}

#[test]
fn an_application_is_created_first() {
    check(
        "application App { String f; void onCreate() { f = source(); } }
         activity Main { void onCreate(Bundle saved) { App app = (App) getApplication(); sink(app.f); } }",
        "source -> sink",
    );
}

#[test]
fn another_field_of_the_application_is_clean() {
    check(
        "application App { String f; String g; void onCreate() { f = source(); } }
         activity Main { void onCreate(Bundle saved) { App app = (App) getApplication(); sink(app.g); } }",
        NOTHING,
    );
}

#[test]
fn an_application_is_told_of_its_activities() {
    check(
        "class Watch implements Application$ActivityLifecycleCallbacks {
             void onActivityCreated(Activity it, Bundle saved) { sink(source()); } void onActivityDestroyed(Activity it) { }
             void onActivityPaused(Activity it) { } void onActivityResumed(Activity it) { } void onActivityStarted(Activity it) { }
             void onActivitySaveInstanceState(Activity it, Bundle out) { } void onActivityStopped(Activity it) { }
         }
         application App { void onCreate() { registerActivityLifecycleCallbacks(new Watch()); } }",
        "source -> sink",
    );
}

#[test]
fn a_fragment_that_a_layout_names_runs() {
    check(
        "fragment F { String f; void onCreate(Bundle saved) { f = source(); } void onDestroy() { sink(f); } } main() { }",
        "source -> sink",
    );
}

#[test]
fn a_fragment_that_code_adds_runs() {
    check(
        "class F extends Fragment { void onCreate(Bundle saved) { sink(source()); } }
         activity Main { void onCreate(Bundle saved) { getFragmentManager().beginTransaction().add(1, new F()).commit(); } }",
        "source -> sink",
    );
}

#[test]
fn a_fragment_that_nobody_adds_does_not_run() {
    check(
        "class F extends Fragment { void onCreate(Bundle saved) { sink(source()); } }
         activity Main { void onCreate(Bundle saved) { F it = new F(); } }",
        NOTHING,
    );
}

#[test]
fn a_fragment_has_the_arguments_that_it_was_given() {
    check(
        r#"class F extends Fragment { void onCreate(Bundle saved) { sink1(getArguments().getString("k")); sink2(getArguments().getString("l")); } }
           activity Main {
               void onCreate(Bundle saved) {
                   F it = new F(); Bundle b = new Bundle(); b.putString("k", source()); b.putString("l", "none");
                   it.setArguments(b); getFragmentManager().beginTransaction().add(1, it).commit();
               }
           }"#,
        "source -> sink1",
    );
}

#[test]
fn a_fragment_reaches_its_activity() {
    // wrong today: what `getActivity` gives is an unknown activity.
    check(
        "class F extends Fragment { void onResume() { Main it = (Main) getActivity(); sink(it.f); } }
         activity Main {
             String f;
             void onCreate(Bundle saved) { f = source(); getFragmentManager().beginTransaction().add(1, new F()).commit(); }
         }",
        NOTHING,
    );
}

#[test]
fn a_component_is_made_with_its_constructor() {
    check(
        "activity Main { String f; Main() { f = source(); } void onCreate(Bundle saved) { sink(f); } }",
        "source -> sink",
    );
}

#[test]
fn a_bound_service_calls_what_it_hands_out() {
    check(
        "class Door extends Binder { boolean onTransact(int code, Parcel in, Parcel out, int flags) { sink(source()); return true; } }
         service S { IBinder onBind(Intent intent) { return new Door(); } }",
        "source -> sink",
    );
}
