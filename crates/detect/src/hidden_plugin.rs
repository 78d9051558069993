//! An app of the system loads code from a file that lies outside the folders of apps.

use std::collections::BTreeSet;

use model::fact::elf::Noise;
use model::finding::{Concealment, Factors, Holder, Power, Reach};
use model::{Class, Confidence, Evidence, Finding, Grade};

use crate::plugin::{Plugin, plugins};
use crate::{Context, Detector, way};

/// The detector.
pub static DETECTOR: Detector = Detector {
    id: "hidden-plugin",
    class: Class::PreloadDropper,
    title: "Code that another program brings in",
    detect,
};

/// One finding for each file and who loads it first.
fn detect(context: &Context, findings: &mut Vec<Finding>) {
    let mut told: Vec<&str> = Vec::new();
    for plugin in farthest(context) {
        let artifact = plugin.call.at.artifact;
        let app = context.phone.tree.ancestors(artifact).find_map(|it| way::app_of(context, it.id));
        let Some(app) = app.filter(|it| it.place.is_system()) else { continue };
        if !told.contains(&plugin.path) {
            told.push(plugin.path);
            told.extend(plugin.through.iter().map(|it| it.1));
            findings.extend(judge(context, &DETECTOR, &plugin, &app.app.package));
        }
    }
    sealed(context, findings);
}

/// What is encrypted and loaded: nobody can say what it does. Packers do so, and an app of the system needs none.
fn sealed(context: &Context, findings: &mut Vec<Finding>) {
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    for row in context.phone.facts.calls.iter().filter(|it| !it.value.idle) {
        let call = &row.value;
        let Some(payload) = &call.payload else { continue };
        let Some(millibits) = payload.millibits.filter(|it| Noise::MILLIBITS_MIN <= *it) else { continue };
        let app = context.phone.tree.ancestors(row.at.artifact).find_map(|it| way::app_of(context, it.id));
        let Some(app) = app.filter(|it| it.place.is_system() && context.phone.is_running(it.artifact)) else { continue };
        if !told.insert((&app.device_path, &payload.name)) {
            continue;
        }
        let key = if payload.constant_key { "the key is a constant" } else { "the key was not found" };
        let confidence = if payload.constant_key { Confidence::Medium } else { Confidence::Low };
        let bits = format!("{}.{:03}", millibits / 1000, millibits % 1000);
        let factors = Factors {
            reach: Reach::Physical,
            power: Power::System,
            concealment: Concealment::Hidden,
            holder: Holder::Unknown,
        };
        findings.push(Finding {
            benign: "a packer that protects an app against copying, or another file that the same class decrypts: that what is \
                     decrypted is what is loaded is not shown"
                .to_owned(),
            subject: format!("{} {}", app.app.package, payload.name),
            device_path: app.device_path.clone(),
            evidence: vec![
                Evidence::at(row.at, format!("{} opens {}", payload.opened, payload.name)),
                Evidence::at(row.at, format!("its bytes look like noise ({bits} bits each): it is encrypted or packed")),
                Evidence::at(row.at, format!("{} decrypts; {key}", payload.decrypted)),
                Evidence::at(row.at, format!("{}.{} loads code", call.class, call.method)),
            ],
            action: "decrypt the file as the app does, and look at the code in it".to_owned(),
            ..DETECTOR.finding(
                Grade::Suspicion,
                confidence,
                factors,
                format!(
                    "{} opens {}, whose bytes look like noise, decrypts, and loads code; {key}",
                    app.app.package, payload.name
                ),
            )
        });
    }
}

/// Plug-ins that do something first, those at the end of a chain before those on the way to them.
pub(crate) fn farthest<'a>(context: &Context<'a>) -> Vec<Plugin<'a>> {
    let mut plugins = plugins(context);
    plugins.sort_by_key(|it| (it.deed(context).is_none(), std::cmp::Reverse(it.through.len()), it.call.at));
    plugins
}

/// The same for code of the framework, by another detector.
pub(crate) fn judge(context: &Context, detector: &Detector, plugin: &Plugin, loader: &str) -> Option<Finding> {
    let deed = plugin.deed(context);
    let concealment = plugin.concealment();
    let grade = match &deed {
        Some(deed) if !deed.row.value.way.indirect => Grade::Finding,
        Some(_) => Grade::Suspicion,
        None if concealment != Concealment::None => Grade::Suspicion,
        None => return None,
    };
    let factors = Factors {
        reach: deed.as_ref().map_or(Reach::Physical, |it| it.reach),
        power: deed.as_ref().map_or(Power::System, |it| it.power),
        concealment,
        holder: Holder::Unknown,
    };
    let does = match &deed {
        Some(deed) => {
            let flow = &deed.row.value;
            format!("there {} reaches {}", way::source_words(&flow.source), sink_of(&flow.sink))
        }
        None => "what it does was not seen".to_owned(),
    };
    let through = match plugin.through.as_slice() {
        [] => String::new(),
        files => format!(" (through {})", files.iter().map(|it| it.1).collect::<Vec<_>>().join(", ")),
    };
    let name = if concealment == Concealment::None { "" } else { ", under a name that is not that of code" };
    let confidence = if plugin.direct && deed.is_some() { Confidence::High } else { Confidence::Medium };
    Some(Finding {
        benign: "vendors keep plug-ins of their own apart from apps, to change them without an update of the system".to_owned(),
        subject: format!("{loader} {}", plugin.path),
        device_path: plugin.path.to_owned(),
        evidence: plugin.evidence(deed.as_ref()),
        flow: plugin.flow(deed.as_ref()),
        action: "take the file out and read its code; find out who can replace it, and whether it is verified before it is \
                 loaded"
            .to_owned(),
        ..detector.finding(
            grade,
            confidence,
            factors,
            format!("{loader} loads code from {}{through}, where no app and no library lies{name}; {does}", plugin.path),
        )
    })
}

fn sink_of(sink: &str) -> &str {
    if sink == "network-output" { "the network" } else { way::sink_words(sink) }
}

#[cfg(test)]
pub(crate) static CASES: crate::fixture::Cases = {
    use crate::fixture::{Cases, Fixture, app};

    fn with(loader: &str, path: &str, source: &str, sink: &str) -> Fixture {
        let fixture = Fixture::phone().platform("CN=p").app(loader, app("a.b"), "CN=p");
        fixture.loads(loader, path).flow(path, source, sink, None, &[])
    }
    fn payload(loader: &str, millibits: u32) -> Fixture {
        use model::fact::call::Payload;
        let mut fixture = with(loader, "/system/etc/x.jar", "time", "log");
        let payload = Payload { name: "assets/x".to_owned(), millibits: Some(millibits), ..Payload::default() };
        fixture.facts.calls.iter_mut().for_each(|it| it.value.payload = Some(payload.clone()));
        fixture
    }
    const APP: &str = "/system/priv-app/A/A.apk";

    Cases {
        fires: &[
            || with(APP, "/system/etc/x.jar", "device-identifier", "network-output"),
            || with(APP, "/system/media/x.dat", "network-input", "execute-command"),
            || with(APP, "/system/media/x.dat", "time", "log"),
            || payload(APP, 7_950),
        ],
        silent: &[
            || with(APP, "/system/etc/x.jar", "time", "log"),
            || with(APP, "/system/framework/x.jar", "device-identifier", "network-output"),
            || with("/data/app/A/A.apk", "/system/etc/x.jar", "device-identifier", "network-output"),
            || payload(APP, 6_000),
            || payload("/data/app/A/A.apk", 7_950),
        ],
    }
};
