//! What is told beside source and sink: the way, checks on it, capabilities that components lead to, bounds.

use crate::support::{NOTHING, check, check_checks, check_limits, check_reaches, check_way};

#[test]
fn the_way_names_each_method_that_passes_a_value_on() {
    check_way(
        "void deep(String x) { sink(x); } void send(String x) { deep(x); }
         main() { send(source()); }",
        "Main.onCreate: Landroid/os/Build;->getSerial()Ljava/lang/String;
         Main.onCreate: passes it on
         Main.send: passes it on
         Main.deep: Landroid/util/Log;->i(Ljava/lang/String;Ljava/lang/String;)I",
    );
}

#[test]
fn the_way_names_the_place_that_two_methods_share() {
    check_way(
        "activity Main { static String kept; void onResume() { kept = source(); } void onPause() { sink(kept); } }",
        "Main.onResume: Landroid/os/Build;->getSerial()Ljava/lang/String;
         lies in static LMain;.kept
         Main.onPause: Landroid/util/Log;->i(Ljava/lang/String;Ljava/lang/String;)I",
    );
}

#[test]
fn of_two_ways_to_a_sink_the_shorter_is_told() {
    check_way(
        "void send(String x) { sink(x); } void longer(String x) { send(x); }
         main() { String x = source(); longer(x); send(x); }",
        "Main.onCreate: Landroid/os/Build;->getSerial()Ljava/lang/String;
         Main.onCreate: passes it on
         Main.send: Landroid/util/Log;->i(Ljava/lang/String;Ljava/lang/String;)I",
    );
}

#[test]
fn a_pair_that_no_rule_names_is_not_told() {
    check(r#"main() { Runtime.getRuntime().exec(Build.MODEL); }"#, NOTHING);
}

#[test]
fn what_another_app_sends_may_decide_what_is_run() {
    check(
        r#"exported service Shell {
               int onStartCommand(Intent intent, int flags, int id) {
                   Runtime.getRuntime().exec(intent.getStringExtra("cmd"));
                   return 1;
               }
           }"#,
        "exported-intent -> execute-command",
    );
}

#[test]
fn what_a_component_of_ones_own_is_sent_no_other_app_decides() {
    check(
        r#"service Shell {
               int onStartCommand(Intent intent, int flags, int id) {
                   Runtime.getRuntime().exec(intent.getStringExtra("cmd"));
                   return 1;
               }
           }"#,
        NOTHING,
    );
}

#[test]
fn a_check_of_the_caller_on_the_way_is_named() {
    check_checks(
        r#"exported service Shell {
               int onStartCommand(Intent intent, int flags, int id) {
                   this.enforceCallingPermission("p", "no");
                   Runtime.getRuntime().exec(intent.getStringExtra("cmd"));
                   return 1;
               }
           }"#,
        "caller-check in Shell.onStartCommand",
    );
}

#[test]
fn a_check_in_a_method_that_is_called_on_the_way_is_named() {
    check_checks(
        r#"exported service Shell {
               boolean allowed() { return Binder.getCallingUid() == 1000; }
               int onStartCommand(Intent intent, int flags, int id) {
                   if (allowed()) { Runtime.getRuntime().exec(intent.getStringExtra("cmd")); }
                   return 1;
               }
           }"#,
        "caller-check in Shell.onStartCommand",
    );
}

#[test]
fn a_check_in_a_method_that_is_not_on_the_way_is_not_named() {
    check_checks(
        r#"exported service Shell {
               void onDestroy() { this.enforceCallingPermission("p", "no"); }
               int onStartCommand(Intent intent, int flags, int id) {
                   Runtime.getRuntime().exec(intent.getStringExtra("cmd"));
                   return 1;
               }
           }"#,
        NOTHING,
    );
}

#[test]
fn a_signature_that_is_verified_on_the_way_is_named() {
    check_checks(
        r#"main() {
               InputStream in = new URL("https://x.invalid/").openStream(); byte[] code = new byte[99]; in.read(code);
               Signature signature = Signature.getInstance("SHA256withRSA");
               signature.update(code);
               if (signature.verify(code)) { System.load(new String(code)); }
           }"#,
        "verification in Main.onCreate",
    );
}

#[test]
fn a_capability_is_told_of_the_component_that_leads_to_it() {
    check_reaches(
        r#"class Shell { static void run() { Runtime.getRuntime().exec("ls"); } }
           activity A { void onCreate(Bundle saved) { Shell.run(); } }
           activity B { void onCreate(Bundle saved) { } }"#,
        "A: execute-command",
    );
}

#[test]
fn a_capability_that_nobody_calls_is_not_told() {
    check_reaches(r#"class Shell { static void run() { Runtime.getRuntime().exec("ls"); } } main() { }"#, NOTHING);
}

#[test]
fn a_small_program_reaches_no_bound() {
    check_limits("main() { sink(source()); }", NOTHING);
}

#[test]
fn very_many_overrides_are_a_bound() {
    let classes: String = (0..30).map(|n| format!("class C{n} extends Base {{ void act() {{ }} }}")).collect();
    check_limits(
        &format!(
            "class Base {{ void act() {{ }} }} {classes} main() {{ Base it = (Base) Main.kept; it.act(); }} Object kept;"
        ),
        "overrides of a method",
    );
}
