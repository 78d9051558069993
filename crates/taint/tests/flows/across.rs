//! Values that travel from one app to another.

use crate::support::{NOTHING, check_across};

/// Runs what the intent says under a key.
const RUNS: &str = r#"exported receiver Run on "a.RUN" {
    void onReceive(Context context, Intent intent) { Runtime.getRuntime().exec(intent.getStringExtra("cmd")); }
}"#;

/// Hands on what it is told.
const RELAYS: &str = r#"exported receiver Relay on "a.RELAY" {
    void onReceive(Context context, Intent intent) {
        Intent i = new Intent("a.RUN"); i.putExtra("cmd", intent.getStringExtra("order")); context.sendBroadcast(i);
    }
}"#;

fn sends(intent: &str, key: &str) -> String {
    format!(
        r#"receiver Sms on "android.provider.Telephony.SMS_RECEIVED" {{
            void onReceive(Context context, Intent intent) {{
                SmsMessage m = SmsMessage.createFromPdu(intent.getByteArrayExtra("pdu"));
                Intent i = {intent}; i.putExtra("{key}", m.getMessageBody()); context.sendBroadcast(i);
            }}
        }}"#
    )
}

#[test]
fn what_one_app_receives_another_runs_by_its_action() {
    check_across(&[&sends(r#"new Intent("a.RUN")"#, "cmd"), RUNS], "0: sms-content -> execute-command in 1");
}

#[test]
fn what_one_app_receives_another_runs_by_its_name() {
    let named = r#"new Intent().setClassName("a", "Run")"#;
    check_across(&[&sends(named, "cmd"), RUNS], "0: sms-content -> execute-command in 1");
}

#[test]
fn under_another_key_it_is_not_run() {
    check_across(&[&sends(r#"new Intent("a.RUN")"#, "other"), RUNS], NOTHING);
}

#[test]
fn with_another_action_it_does_not_arrive() {
    check_across(&[&sends(r#"new Intent("a.STOP")"#, "cmd"), RUNS], NOTHING);
}

#[test]
fn what_is_not_exported_is_not_reached() {
    let closed = RUNS.replace("exported ", "");
    check_across(&[&sends(r#"new Intent("a.RUN")"#, "cmd"), &closed], NOTHING);
}

#[test]
fn what_one_app_receives_the_provider_of_another_runs() {
    let asks = |address: &str| {
        format!(
            r#"receiver Sms on "android.provider.Telephony.SMS_RECEIVED" {{
                void onReceive(Context context, Intent intent) {{
                    SmsMessage m = SmsMessage.createFromPdu(intent.getByteArrayExtra("pdu"));
                    context.getContentResolver().call(Uri.parse("{address}"), "run", m.getMessageBody(), null);
                }}
            }}"#
        )
    };
    let runs = r#"exported provider P on "content://b.run" {
        Bundle call(String method, String arg, Bundle extras) { Runtime.getRuntime().exec(arg); return null; }
    }"#;
    check_across(&[&asks("content://b.run"), runs], "0: sms-content -> execute-command in 1");
    check_across(&[&asks("content://b.other"), runs], NOTHING);
    check_across(&[&asks("content://b.run"), &runs.replace("exported ", "")], NOTHING);
}

#[test]
fn an_action_of_the_framework_goes_to_whom_the_user_picks() {
    let view = RUNS.replace("a.RUN", "android.intent.action.VIEW");
    check_across(&[&sends(r#"new Intent("android.intent.action.VIEW")"#, "cmd"), &view], NOTHING);
}

#[test]
fn an_app_that_hands_on_what_it_is_told_lends_the_power_of_another() {
    check_across(&[RELAYS, RUNS], "0: exported-intent -> execute-command in 1");
}

#[test]
fn a_value_goes_through_an_app_between() {
    check_across(
        &[&sends(r#"new Intent("a.RELAY")"#, "order"), RELAYS, RUNS],
        "0: sms-content -> execute-command in 2\n1: exported-intent -> execute-command in 2",
    );
}

#[test]
fn apps_that_hand_on_to_each_other_do_not_hang() {
    let back =
        RELAYS.replace("Relay", "Back").replace("a.RELAY", "a.X").replace("a.RUN", "a.RELAY").replace("cmd", "order");
    let there = RELAYS.replace("a.RUN", "a.X").replace("cmd", "order");
    check_across(&[&there, &back], NOTHING);
}

/// As the compiler of AIDL writes the side of who calls, without what only checks.
const CALLS: &str = r#"
    class Proxy {
        IBinder remote; Proxy(IBinder it) { remote = it; }
        void open(String x) { Parcel in = Parcel.obtain(); in.writeInterfaceToken("d.Door"); in.writeString(x); remote.transact(1, in, null, 0); }
        void shut(String x) { Parcel in = Parcel.obtain(); in.writeInterfaceToken("d.Door"); in.writeString(x); remote.transact(2, in, null, 0); }
    }
    receiver Sms on "android.provider.Telephony.SMS_RECEIVED" {
        void onReceive(Context context, Intent intent) {
            SmsMessage m = SmsMessage.createFromPdu(intent.getByteArrayExtra("pdu"));
            new Proxy(ServiceManager.getService("d")).open(m.getMessageBody());
        }
    }"#;

/// The side of who is called.
const CALLED: &str = r#"
    abstract class Stub extends Binder {
        Stub() { attachInterface(null, "d.Door"); }
        abstract void open(String x); abstract void shut(String x);
        boolean onTransact(int code, Parcel in, Parcel out, int flags) {
            switch (code) {
                case 1: open(in.readString()); return true;
                case 2: shut(in.readString()); return true;
                default: return super.onTransact(code, in, out, flags);
            }
        }
    }
    class Impl extends Stub { void open(String x) { Runtime.getRuntime().exec(x); } void shut(String x) { } }
    exported service S { Impl door = new Impl(); IBinder onBind(Intent intent) { return door; } }"#;

#[test]
fn what_one_app_passes_to_an_interface_the_service_of_another_runs() {
    check_across(&[CALLS, CALLED], "0: sms-content -> execute-command in 1");
}

#[test]
fn another_method_of_the_interface_does_not_run_it() {
    let shut = CALLS.replace(").open(m", ").shut(m");
    check_across(&[&shut, CALLED], NOTHING);
}

#[test]
fn another_interface_or_a_service_that_is_not_exported_is_not_reached() {
    check_across(&[&CALLS.replace("d.Door", "d.Window"), CALLED], NOTHING);
    check_across(&[CALLS, &CALLED.replace("exported ", "")], NOTHING);
}

/// A provider that tells what it knows.
const ANSWERS: &str = r#"exported provider P on "content://b.phone" {
    Bundle call(String method, String arg, Bundle extras) {
        Bundle b = new Bundle(); b.putString("id", ((TelephonyManager) getContext().getSystemService("phone")).getDeviceId()); return b;
    }
}"#;

fn asks(address: &str) -> String {
    format!(
        r#"activity Main {{
            void onCreate(Bundle saved) {{
                Bundle b = getContentResolver().call(Uri.parse("{address}"), "id", null, null);
                Runtime.getRuntime().exec(b.getString("id")); Log.i("t", b.getString("id"));
            }}
        }}"#
    )
}

#[test]
fn what_a_provider_answers_another_app_gives_away() {
    check_across(
        &[ANSWERS, &asks("content://b.phone")],
        "0: device-identifier -> execute-command in 1\n0: device-identifier -> log in 1",
    );
    check_across(&[ANSWERS, &asks("content://b.other")], NOTHING);
    check_across(&[&ANSWERS.replace("exported ", ""), &asks("content://b.phone")], NOTHING);
}

#[test]
fn what_another_app_answers_is_told_only_where_that_app_is_there() {
    check_across(&[&asks("content://b.phone")], NOTHING);
}
