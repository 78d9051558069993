//! Codes that are typed into the dialer and start something.

use model::fact::app::DataSpec;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::{Context, Detector};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "secret-dialer-code",
    class: Class::MagicSecret,
    title: "Secret dialer codes",
    detect,
};

/// One finding an app.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    for app in context.phone.apps.effective().filter(|it| it.place.is_system() && it.app.enabled) {
        let components = app.app.components.iter().filter(|it| it.enabled);
        let codes: Vec<(String, &str)> = components
            .flat_map(|component| component.filters.iter().map(move |filter| (component, filter)))
            .filter(|(_, filter)| filter.actions.iter().any(|it| ACTIONS.contains(&it.as_str())))
            .flat_map(|(component, filter)| {
                filter.data.iter().filter_map(code_of).map(|it| (it, component.name.as_str()))
            })
            .collect();
        if codes.is_empty() {
            continue;
        }
        let mut names: Vec<&str> = codes.iter().map(|it| it.0.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let factors = Factors {
            reach: Reach::Physical,
            power: Power::Settings,
            concealment: Concealment::Hidden,
            holder: Holder::Legitimate,
        };
        findings.push(Finding {
            benign: "nearly every phone has engineering screens behind such codes".to_owned(),
            subject: app.app.package.clone(),
            device_path: app.device_path.clone(),
            evidence: codes.iter().map(|(code, class)| Evidence::at(app.declares_at(class), format!("{code} starts {class}"))).collect(),
            action: "type them on a phone of your own to see what they open".to_owned(),
            ..DETECTOR.finding(
                Grade::Capability,
                Confidence::High,
                factors,
                format!("{} reacts to codes typed into the dialer: {}", app.app.package, names.join(", ")),
            )
        });
    }
}

const ACTIONS: &[&str] = &["android.provider.Telephony.SECRET_CODE", "android.telephony.action.SECRET_CODE"];

/// `android_secret_code://1234` is typed as `*#*#1234#*#*`.
fn code_of(data: &DataSpec) -> Option<String> {
    let host = data.host.as_deref()?;
    (data.scheme.as_deref() == Some("android_secret_code")).then(|| format!("*#*#{host}#*#*"))
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app, component};
    use model::fact::app::{App, ComponentKind};

    fn with(scheme: &str) -> Fixture {
        let mut receiver = component(ComponentKind::Receiver, "a.b.R", None, &[ACTIONS[0]]);
        receiver.filters[0].data = vec![DataSpec {
            scheme: Some(scheme.to_owned()),
            host: Some("4636".to_owned()),
            ..DataSpec::default()
        }];
        Fixture::phone().app("/system/app/A/A.apk", App { components: vec![receiver], ..app("a.b") }, "CN=x")
    }

    Cases { fires: &[|| with("android_secret_code")], silent: &[|| with("https")] }
};
