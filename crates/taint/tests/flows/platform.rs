//! Classes that the phone itself has, and no table of Android's: what apps extend, implement and hand over there.

use crate::support::{NOTHING, check};

#[test]
fn what_a_class_of_the_phone_leaves_to_be_overridden_is_called() {
    check(
        "platform Page extends Activity { void onMore(String text) { } }
         activity Main extends Page { void onMore(String text) { sink(source()); } }",
        "source -> sink",
    );
}

#[test]
fn what_a_class_of_the_phone_does_not_have_is_not_called() {
    check(
        "platform Page extends Activity { void onMore(String text) { } }
         activity Main extends Page { void onLess(String text) { sink(source()); } }",
        NOTHING,
    );
}

#[test]
fn a_class_of_the_phone_is_what_it_extends() {
    check(
        "platform Page extends Activity { }
         activity Main extends Page {
             void onCreate(Bundle saved) { getIntent().putExtra(\"a\", source()); sink(getIntent().getStringExtra(\"a\")); }
         }",
        "source -> sink",
    );
}

#[test]
fn an_object_that_is_handed_to_the_phone_is_called_back() {
    check(
        "platform Heard { void heard(String text) { } }
         platform Hub { static void register(Heard it) { } }
         class Own extends Heard { void heard(String text) { sink(source()); } }
         activity Main { void onCreate(Bundle saved) { Hub.register(new Own()); } }",
        "source -> sink",
    );
}

#[test]
fn an_object_that_is_kept_is_not() {
    check(
        "platform Heard { void heard(String text) { } }
         class Own extends Heard { void heard(String text) { sink(source()); } }
         activity Main { Heard own; void onCreate(Bundle saved) { own = new Own(); } }",
        NOTHING,
    );
}
