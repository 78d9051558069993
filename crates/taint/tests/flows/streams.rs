//! Streams: what is written goes where the stream was opened, through every stream around it.

use crate::support::{NOTHING, check};

const OPENS: &str = r#"HttpURLConnection c = (HttpURLConnection) new URL("http://a.invalid").openConnection();"#;
const WRITES: &str = r#"void write(OutputStream to, String x) { to.write(x.getBytes()); }"#;

#[test]
fn what_is_written_to_a_connection_goes_to_the_network() {
    check(
        &format!(r#"main() {{ {OPENS} c.getOutputStream().write(source().getBytes()); }}"#),
        "source -> network-output",
    );
}

#[test]
fn a_stream_around_it_goes_there_too() {
    check(
        &format!(r#"main() {{ {OPENS} new DataOutputStream(c.getOutputStream()).writeBytes(source()); }}"#),
        "source -> network-output",
    );
}

#[test]
fn a_method_that_writes_to_what_it_is_given_writes_where_that_leads() {
    check(
        &format!(r#"{WRITES} main() {{ {OPENS} write(c.getOutputStream(), source()); }}"#),
        "source -> network-output",
    );
}

#[test]
fn each_stream_leads_to_one_place() {
    check(
        &format!(
            r#"{WRITES} main() {{
                {OPENS} write(c.getOutputStream(), "none"); write(new FileOutputStream("/data/x"), source());
            }}"#
        ),
        "source -> stream-output",
    );
}

#[test]
fn what_is_written_to_a_program_is_a_command() {
    check(
        r#"exported receiver R {
            void onReceive(Context context, Intent intent) {
                Process p = Runtime.getRuntime().exec("su");
                p.getOutputStream().write(intent.getStringExtra("cmd").getBytes());
            }
        }"#,
        "exported-intent -> execute-command",
    );
}

#[test]
fn a_stream_that_nothing_is_written_to_leaks_nothing() {
    check(&format!(r#"main() {{ {OPENS} c.getOutputStream(); String x = source(); }}"#), NOTHING);
}
