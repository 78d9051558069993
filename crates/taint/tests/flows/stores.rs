//! Values that are kept: preferences, files, providers.

use crate::support::{NOTHING, check};

#[test]
fn a_preference_keeps_a_value() {
    check(
        r#"activity First { void onCreate(Bundle saved) { getSharedPreferences("s", 0).edit().putString("k", source()).commit(); } }
           activity Second { void onCreate(Bundle saved) { sink(getSharedPreferences("s", 0).getString("k", "")); } }"#,
        "source -> sink",
    );
}

#[test]
fn another_key_of_the_preferences_is_clean() {
    check(
        r#"activity First { void onCreate(Bundle saved) { getSharedPreferences("s", 0).edit().putString("k", source()).commit(); } }
           activity Second { void onCreate(Bundle saved) { sink(getSharedPreferences("s", 0).getString("l", "")); } }"#,
        NOTHING,
    );
}

#[test]
fn another_file_of_preferences_is_clean() {
    // wrong today: what is written under one name is read under another (`engine.rs`, `wholes_of`: from a name to any
    // name, and on to all names).
    check(
        r#"activity First { void onCreate(Bundle saved) { getSharedPreferences("s", 0).edit().putString("k", source()).commit(); } }
           activity Second { void onCreate(Bundle saved) { sink(getSharedPreferences("t", 0).getString("k", "")); } }"#,
        "source -> sink",
    );
}

#[test]
fn preferences_without_a_name_are_those_of_the_app() {
    check(
        r#"activity First { void onCreate(Bundle saved) { getPreferences(0).edit().putString("k", source()).apply(); } }
           activity Second { void onCreate(Bundle saved) { sink(getPreferences(0).getString("k", "")); } }"#,
        // wrong today: every activity has a file of its own; the engine takes one for all (`builtin.rs`, `default_store`).
        "source -> sink",
    );
}

#[test]
fn a_preference_under_a_key_that_a_caller_names_is_that_preference() {
    check(
        r#"class Store {
               Context context; Store(Context it) { context = it; }
               void put(String key, String x) { context.getSharedPreferences("s", 0).edit().putString(key, x).commit(); }
               String get(String key) { return context.getSharedPreferences("s", 0).getString(key, ""); }
           }
           activity Main {
               void onCreate(Bundle saved) { Store it = new Store(this); it.put("k", source()); it.put("l", "none"); }
               void onPause() { Store it = new Store(this); sink1(it.get("k")); sink2(it.get("l")); }
           }"#,
        "source -> sink1",
    );
}

#[test]
fn a_preference_under_an_unknown_key_may_be_any() {
    check(
        r#"activity Main {
               void onCreate(Bundle saved) { getSharedPreferences("s", 0).edit().putString("k", source()).commit(); }
               void onPause() { sink(getSharedPreferences("s", 0).getString(Build.MODEL, "")); }
           }"#,
        "source -> sink",
    );
}

#[test]
fn the_value_that_is_given_where_none_is_kept_comes_back() {
    check(r#"main() { sink(getSharedPreferences("s", 0).getString("k", source())); }"#, "source -> sink");
}

#[test]
fn an_editor_in_a_register_writes_the_same_preferences() {
    check(
        r#"main() {
               SharedPreferences store = getSharedPreferences("s", 0); SharedPreferences$Editor edit = store.edit();
               edit.putString("k", source()); edit.putInt("n", 1); edit.apply();
               sink1(store.getString("k", "")); sink2(store.getInt("n", 0));
           }"#,
        "source -> sink1",
    );
}

#[test]
fn a_preference_that_is_overwritten_is_clean() {
    check(
        r#"main() {
               SharedPreferences store = getSharedPreferences("s", 0);
               store.edit().putString("k", source()).commit(); store.edit().putString("k", "none").commit();
               sink(store.getString("k", ""));
           }"#,
        NOTHING,
    );
}

#[test]
fn a_file_gives_back_what_was_written() {
    let with = |name: &str| {
        format!(
            r#"activity First {{ void onCreate(Bundle saved) {{ openFileOutput("f", 0).write(source().getBytes()); }} }}
               activity Second {{ void onCreate(Bundle saved) {{ byte[] b = new byte[9]; openFileInput("{name}").read(b); sink(new String(b)); }} }}"#
        )
    };
    check(&with("f"), "source -> sink\nsource -> stream-output");
    check(&with("g"), "source -> stream-output");
}

#[test]
fn what_was_stored_is_loaded_by_its_path() {
    let with = |write: &str, load: &str| {
        format!(
            r#"service Gets {{ void onCreate() {{ OutputStream out = {write}; byte[] b = new byte[9]; new Socket("h", 1).getInputStream().read(b); out.write(b); }} }}
               service Loads {{ void onCreate() {{ {load} }} }}"#
        )
    };
    let flows = "network-input -> load-code";
    let loads = r#"new DexClassLoader(new File(getFilesDir(), "x.dex").getAbsolutePath(), null, null, null);"#;
    check(&with(r#"openFileOutput("x.dex", 0)"#, loads), flows);
    check(&with(r#"new FileOutputStream(new File(getFilesDir(), "x.dex"))"#, loads), flows);
    check(&with(r#"new FileOutputStream(getFilesDir() + "/x.dex")"#, loads), flows);
    check(
        &with(r#"new FileOutputStream("/data/local/x.dex")"#, r#"System.load("/data/local/x.dex");"#),
        "network-input -> load-native",
    );
    check(
        &with(r#"new FileOutputStream("/data/local/x.dex")"#, r#"Runtime.getRuntime().exec("sh /data/local/x.dex");"#),
        "network-input -> execute-command",
    );
    check(&with(r#"new FileOutputStream("/data/local/y.dex")"#, loads), NOTHING);
}

#[test]
fn a_path_is_known_where_the_caller_tells_it() {
    check(
        r#"class Net {
               static void save(String path) { byte[] b = new byte[9]; new Socket("h", 1).getInputStream().read(b); new FileOutputStream(path).write(b); }
               static void load(String path) { System.load(path); }
           }
           service S { void onCreate() { Net.save("/data/local/a.so"); Net.load("/data/local/a.so"); } }
           service T { void onCreate() { Net.save("/data/local/b.so"); } }"#,
        "network-input -> load-native",
    );
    check(
        r#"class Net {
               static void save(String path) { byte[] b = new byte[9]; new Socket("h", 1).getInputStream().read(b); new FileOutputStream(path).write(b); }
           }
           service S { void onCreate() { Net.save("/data/local/a.so"); System.load("/data/local/b.so"); } }"#,
        NOTHING,
    );
}

#[test]
fn the_path_of_a_file_is_not_what_lies_in_it() {
    check(
        r#"service S {
               void onCreate() {
                   File f = new File(getFilesDir(), "x.txt"); new FileOutputStream(f).write(source().getBytes());
                   sink(f.getAbsolutePath());
               }
           }"#,
        "source -> stream-output",
    );
}

#[test]
fn what_is_written_to_a_socket_leaves() {
    check(
        r#"main() { new Socket("x.invalid", 80).getOutputStream().write(source().getBytes()); }"#,
        "source -> network-output",
    );
}

#[test]
fn what_is_part_of_an_address_leaves() {
    check(r#"main() { new URL("http://x.invalid/?" + source()).openConnection(); }"#, "source -> network-output");
}

#[test]
fn an_address_that_is_not_opened_tells_nobody() {
    check(r#"main() { URL url = new URL("http://x.invalid/?" + source()); }"#, NOTHING);
}

#[test]
fn a_message_to_a_number_leaves() {
    check(
        r#"main() { SmsManager.getDefault().sendTextMessage("5", null, source(), null, null); }"#,
        "source -> send-sms",
    );
}

#[test]
fn what_a_provider_is_told_leaves() {
    check(
        r#"main() {
               ContentValues values = new ContentValues(); values.put("k", source());
               getContentResolver().insert(Uri.parse("content://x"), values);
           }"#,
        "source -> provider-write",
    );
}

#[test]
fn a_provider_of_ones_own_is_told_what_it_is_asked() {
    let with = |to: &str, key: &str| {
        format!(
            r#"provider P on "content://p" {{ Uri insert(Uri uri, ContentValues values) {{ sink(values.getAsString("{key}")); return null; }} }}
               activity Main {{
                   void onCreate(Bundle saved) {{ put(source()); }}
                   void put(String told) {{ ContentValues values = new ContentValues(); values.put("k", told); getContentResolver().insert(Uri.parse("{to}"), values); }}
               }}"#
        )
    };
    check(&with("content://p/rows", "k"), "source -> provider-write\nsource -> sink");
    check(&with("content://p/rows", "l"), "source -> provider-write");
    check(&with("content://pq/rows", "k"), "source -> provider-write");
}

#[test]
fn what_a_provider_gives_is_worth_protecting() {
    check(
        r#"main() {
               Cursor c = getContentResolver().query(Uri.parse("content://contacts"), null, null, null, null);
               if (c.moveToFirst()) { sink(c.getString(0)); }
           }"#,
        "contacts -> sink",
    );
}

#[test]
fn a_provider_of_ones_own_gives_what_it_answers() {
    // wrong today: an address is not brought to the provider that it names; what comes back is a source all the same.
    check(
        r#"provider P {
               Cursor query(Uri uri, String[] columns, String where, String[] args, String order) {
                   MatrixCursor c = new MatrixCursor(new String[] { "k" }); c.addRow(new Object[] { source() }); return c;
               }
           }
           activity Main {
               void onCreate(Bundle saved) { sink(getContentResolver().query(Uri.parse("content://p"), null, null, null, null).getString(0)); }
           }"#,
        "provider-data -> sink",
    );
}

#[test]
fn a_place_in_an_ordinary_object_is_not_shared() {
    check(
        "class Box { String f; }
         activity First { void onCreate(Bundle saved) { Box b = new Box(); b.f = source(); } }
         activity Second { void onCreate(Bundle saved) { Box b = new Box(); sink(b.f); } }",
        NOTHING,
    );
}

#[test]
fn what_stands_in_the_clipboard_is_worth_protecting() {
    check(
        r#"main() { ClipboardManager it = (ClipboardManager) getSystemService("clipboard"); sink(it.getText().toString()); }"#,
        "clipboard -> sink",
    );
}

#[test]
fn what_the_app_puts_in_its_own_properties_comes_back() {
    check(
        r#"main() { Properties p = new Properties(); p.setProperty("k", source()); sink(p.getProperty("k")); }"#,
        "source -> sink",
    );
}

#[test]
fn what_ones_own_provider_answers_comes_back() {
    let app = |address: &str| {
        format!(
            r#"provider P on "content://a.own" {{
                Bundle call(String method, String arg, Bundle extras) {{
                    Bundle b = new Bundle(); b.putString("k", source()); return b;
                }}
            }}
            activity Main {{
                void onCreate(Bundle saved) {{
                    sink(getContentResolver().call(Uri.parse("{address}"), "m", null, null).getString("k"));
                }}
            }}"#
        )
    };
    check(&app("content://a.own"), "source -> sink");
    check(&app("content://a.other"), NOTHING);
}
