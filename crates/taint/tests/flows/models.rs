//! Rows that mean some calls of a method only: a constant text says which.

use crate::support::{check, check_reaches};

#[test]
fn a_property_by_which_init_starts_a_service_is_more_than_a_property() {
    check(
        r#"exported receiver R { void onReceive(Context context, Intent intent) { SystemProperties.set("ctl.start", intent.getStringExtra("k")); } }"#,
        "exported-intent -> init-control\nexported-intent -> set-property",
    );
    check(
        r#"exported receiver R { void onReceive(Context context, Intent intent) { SystemProperties.set("a.b", intent.getStringExtra("k")); } }"#,
        "exported-intent -> set-property",
    );
}

#[test]
fn an_intent_by_which_the_system_erases_everything_is_a_reset() {
    check_reaches(
        r#"exported receiver R { void onReceive(Context context, Intent intent) { context.sendBroadcast(new Intent("android.intent.action.MASTER_CLEAR")); } }"#,
        "R: factory-reset",
    );
    check_reaches(
        r#"exported receiver R { void onReceive(Context context, Intent intent) { context.sendBroadcast(new Intent("a.b")); } }"#,
        "",
    );
}

#[test]
fn what_a_provider_gives_is_told_by_its_address() {
    let query = |uri: &str| {
        format!(
            r#"main() {{ Cursor c = getContentResolver().query({uri}, null, null, null, null); Log.d("", c.getString(0)); }}"#
        )
    };
    check(&query(r#"Uri.parse("content://sms/inbox")"#), "sms-content -> log");
    check(&query(r#"Uri.parse("content://a.b")"#), "provider-data -> log");
}
