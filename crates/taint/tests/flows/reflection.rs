//! Reflection: classes and methods by names that are constant, put together, or decoded; code that is loaded.

use crate::support::{NOTHING, check};

#[test]
fn a_class_is_found_by_its_name() {
    check(
        r#"class Leak { Leak() { sink(source()); } }
           main() { Class.forName("Leak").newInstance(); }"#,
        "source -> sink",
    );
}

#[test]
fn another_class_is_not_found() {
    check(
        r#"class Leak { Leak() { sink(source()); } } class Other { }
           main() { Class.forName("Other").newInstance(); }"#,
        NOTHING,
    );
}

#[test]
fn a_method_is_found_by_its_name() {
    check(
        r#"class A { void send(String x) { sink(x); } void drop(String x) { } }
           main() {
               A a = new A();
               Class.forName("A").getMethod("send", new Class[] { String.class }).invoke(a, new Object[] { source() });
           }"#,
        "source -> sink",
    );
}

#[test]
fn another_method_is_not_called() {
    check(
        r#"class A { void send(String x) { sink(x); } void drop(String x) { } }
           main() {
               A a = new A();
               Class.forName("A").getMethod("drop", new Class[] { String.class }).invoke(a, new Object[] { source() });
           }"#,
        NOTHING,
    );
}

#[test]
fn what_a_method_gives_comes_back() {
    check(
        r#"class A { String get() { return source(); } String none() { return "none"; } }
           main() {
               A a = new A(); Class it = a.getClass();
               sink1((String) it.getMethod("get", new Class[0]).invoke(a, new Object[0]));
               sink2((String) it.getMethod("none", new Class[0]).invoke(a, new Object[0]));
           }"#,
        "source -> sink1",
    );
}

#[test]
fn a_static_method_needs_no_object() {
    check(
        r#"class A { static void send(String x) { sink(x); } }
           main() { A.class.getMethod("send", new Class[] { String.class }).invoke(null, new Object[] { source() }); }"#,
        "source -> sink",
    );
}

#[test]
fn a_method_of_the_framework_is_a_source() {
    check(
        r#"main() {
               Object it = getSystemService("phone");
               Object id = Class.forName("android.telephony.TelephonyManager").getMethod("getDeviceId", new Class[0]).invoke(it, new Object[0]);
               sink((String) id);
           }"#,
        "device-identifier -> sink",
    );
}

#[test]
fn a_name_that_is_put_together_is_known() {
    check(
        r#"class Leak { Leak() { sink(source()); } }
           main() {
               StringBuilder name = new StringBuilder(); name.append("Le"); name.append("ak");
               Class.forName(name.toString()).newInstance();
           }"#,
        "source -> sink",
    );
}

#[test]
fn a_name_that_is_added_is_known() {
    check(
        r#"class Leak { Leak() { sink(source()); } }
           main() { String half = "Le"; Class.forName(half + "ak").newInstance(); }"#,
        "source -> sink",
    );
}

#[test]
fn a_name_that_a_method_gives_is_known() {
    check(
        r#"class Leak { Leak() { sink(source()); } } String name() { return "Leak"; }
           main() { Class.forName(name()).newInstance(); }"#,
        "source -> sink",
    );
}

#[test]
fn a_name_that_is_an_argument_is_known() {
    // wrong today: the name is only known to the caller, and `Class.forName` is decided in the callee (`builtin.rs`).
    check(
        r#"class Leak { Leak() { sink(source()); } }
           Object make(String name) { return Class.forName(name).newInstance(); }
           main() { make("Leak"); }"#,
        NOTHING,
    );
}

#[test]
fn a_name_in_a_static_field_is_known() {
    // wrong today: a text in a static field is not known where it is read.
    check(
        r#"class Leak { Leak() { sink(source()); } } class Names { static String NAME = "Leak"; }
           main() { Class.forName(Names.NAME).newInstance(); }"#,
        NOTHING,
    );
}

#[test]
fn a_name_that_is_turned_around_is_known() {
    // wrong today: of the operations on constant text only adding is done (`builtin.rs`).
    check(
        r#"class Leak { Leak() { sink(source()); } }
           main() { Class.forName(new StringBuilder("kaeL").reverse().toString()).newInstance(); }"#,
        NOTHING,
    );
}

#[test]
fn a_name_that_letters_are_replaced_in_is_known() {
    // wrong today: as above.
    check(
        r#"class Leak { Leak() { sink(source()); } }
           main() { Class.forName("L-e-a-k".replace("-", "")).newInstance(); }"#,
        NOTHING,
    );
}

#[test]
fn a_name_in_base64_is_known() {
    // wrong today: as above; `TGVhaw==` is `Leak`.
    check(
        r#"class Leak { Leak() { sink(source()); } }
           main() { Class.forName(new String(Base64.decode("TGVhaw==", 0))).newInstance(); }"#,
        NOTHING,
    );
}

#[test]
fn a_name_that_is_mixed_with_a_number_is_known() {
    // Every letter is one below the one that is meant.
    check(
        r#"class Leak { Leak() { sink(source()); } }
           String decode(String x) {
               char[] all = x.toCharArray(); int n = 0;
               while (n < all.length) { all[n] = (char) (all[n] + 1); n = n + 1; }
               return new String(all);
           }
           main() { Class.forName(decode("Kd`j")).newInstance(); }"#,
        "source -> sink",
    );
}

#[test]
fn a_constructor_passes_its_arguments_on() {
    check(
        r#"class A { String f; A(String x) { f = x; } }
           main() {
               A a = (A) Class.forName("A").getConstructor(new Class[] { String.class }).newInstance(new Object[] { source() });
               sink(a.f);
           }"#,
        "source -> sink",
    );
}

#[test]
fn a_field_is_found_by_its_name() {
    // wrong today: `Field.get` and `Field.set` have no model, and the field stays unknown.
    check(
        r#"class A { String f; }
           main() { A a = new A(); A.class.getField("f").set(a, source()); sink(a.f); }"#,
        NOTHING,
    );
}

#[test]
fn a_proxy_calls_its_handler() {
    check(
        r#"class H implements InvocationHandler { Object invoke(Object proxy, Method method, Object[] args) { sink((String) args[0]); return null; } }
           main() { H h = new H(); h.invoke(null, null, new Object[] { source() }); }"#,
        "source -> sink",
    );
}

#[test]
fn code_that_is_loaded_from_shared_storage_is_told() {
    check(
        r#"main() {
               File code = new File(Environment.getExternalStorageDirectory(), "x.dex");
               new DexClassLoader(code.getPath(), "/data", null, getClassLoader());
           }"#,
        "shared-storage-input -> load-code",
    );
}

#[test]
fn code_of_ones_own_files_is_not_told() {
    check(r#"main() { new DexClassLoader("/system/framework/x.jar", "/data", null, getClassLoader()); }"#, NOTHING);
}

#[test]
fn a_class_that_a_loader_finds_by_its_name_is_the_program_s_own() {
    check(
        r#"class Leak { Leak() { sink(source()); } }
           main() { getClassLoader().loadClass("Leak").newInstance(); }"#,
        "source -> sink",
    );
}
