//! A phone that has a gate of every kind: each is seen, and those with a handler lead somewhere.

use std::collections::BTreeSet;

use model::fact::app::{App, Component, ComponentKind, DataSpec, IntentFilter};
use model::fact::call::CodeCall;
use model::fact::elf::Elf;
use model::fact::flow::{Check, Flow, Reach, Step, Way};
use model::fact::init::{Action, Command, Section, Service, Socket};
use model::fact::native::{self, Native};
use model::fact::property::Property;
use model::fact::ueventd::Rule;
use model::{Artifact, ArtifactId, Blob, Facts, Location, Node, NodeKind, Row, Tree};
use phone::Phone;
use surface::{Gate, GateKind, Outsider, Surface, Transport};

const APP: ArtifactId = ArtifactId(1);

fn at(artifact: ArtifactId, offset: u64) -> Location {
    Location { artifact, offset, size: 2 }
}

fn row<T>(artifact: ArtifactId, offset: u64, value: T) -> Row<T> {
    Row { at: at(artifact, offset), value }
}

/// A tree with files at these paths, from number 1 on; the first is the app.
fn tree(paths: &[&str]) -> Tree {
    let mut tree = Tree::default();
    let folder = Node { kind: NodeKind::Directory, ..Node::default() };
    for (name, node) in [("dump", folder)].into_iter().chain(paths.iter().map(|it| (*it, Node::file()))) {
        let id = tree.next_id();
        tree.push(Artifact {
            id,
            parent: (id.0 != 0).then_some(ArtifactId(0)),
            name: name.to_owned(),
            raw_name: name.as_bytes().to_vec(),
            depth: u32::from(id.0 != 0),
            blob: Blob::from_bytes(*b"bytes"),
            node,
        });
    }
    tree
}

fn way(class: &str, what: &str) -> Way {
    let step = |what: &str| Step {
        at: Some(at(APP, 0)),
        class: class.to_owned(),
        method: "run()V".to_owned(),
        what: what.to_owned(),
    };
    Way { steps: vec![step(what), step("acts")], ..Way::default() }
}

fn flow(source: &str, sink: &str, component: Option<&str>, class: &str, what: &str) -> Flow {
    Flow {
        package: "a.b".to_owned(),
        rule: "outside-decides".to_owned(),
        source: source.to_owned(),
        sink: sink.to_owned(),
        component: component.map(str::to_owned),
        way: way(class, what),
        bundled: false,
        secret: None,
        into: None,
    }
}

fn call(what: &str, args: &[Option<&str>]) -> CodeCall {
    CodeCall {
        what: what.to_owned(),
        class: "a.b.C".to_owned(),
        method: "open()V".to_owned(),
        args: args.iter().map(|it| it.map(str::to_owned)).collect(),
        ..CodeCall::default()
    }
}

fn component(kind: ComponentKind, name: &str, actions: &[&str], data: Vec<DataSpec>) -> Component {
    let filter =
        IntentFilter { actions: actions.iter().map(|it| (*it).to_owned()).collect(), data, ..IntentFilter::default() };
    Component {
        kind,
        name: name.to_owned(),
        exported: Some(true),
        enabled: true,
        filters: vec![filter],
        ..Component::default()
    }
}

fn phone(calls: Vec<CodeCall>) -> Phone {
    let paths = [
        "/system/priv-app/A/A.apk",
        "/system/build.prop",
        "/system/etc/init/a.rc",
        "/system/etc/ueventd.rc",
        "/system/bin/rild",
        "/system/bin/recovery",
        "/system/bin/fastbootd",
    ];
    let tree = tree(&paths);
    let secret = DataSpec {
        scheme: Some("android_secret_code".to_owned()),
        host: Some("1234".to_owned()),
        ..DataSpec::default()
    };
    let app = App {
        package: "a.b".to_owned(),
        shared_user_id: Some("android.uid.system".to_owned()),
        target_sdk: Some(30),
        has_application: true,
        has_code: true,
        enabled: true,
        components: vec![
            component(ComponentKind::Activity, "a.b.Screen", &["a.b.SHOW"], Vec::new()),
            component(ComponentKind::Service, "a.b.Work", &["com.android.ussd.IExtendedNetworkService"], Vec::new()),
            component(ComponentKind::Receiver, "a.b.Code", &["android.provider.Telephony.SECRET_CODE"], vec![secret]),
            component(
                ComponentKind::Receiver,
                "a.b.Wap",
                &["android.provider.Telephony.WAP_PUSH_RECEIVED"],
                Vec::new(),
            ),
            component(ComponentKind::Provider, "a.b.Table", &[], Vec::new()),
        ],
        ..App::default()
    };
    let sources = [
        ("network-input", "set-property"),
        ("push-message", "reboot"),
        ("sms-content", "execute-command"),
        ("cell-broadcast", "reboot"),
        ("bluetooth-input", "execute-command"),
        ("nfc-input", "execute-command"),
        ("accessibility-event", "execute-command"),
        ("usb-input", "execute-command"),
        ("shared-storage-input", "execute-command"),
        ("local-socket-input", "execute-command"),
    ];
    let mut flows: Vec<Row<Flow>> = sources
        .iter()
        .map(|(source, sink)| {
            row(APP, 0, flow(source, sink, None, "a.b.C$1", "Landroid/net/LocalSocket;->getInputStream()"))
        })
        .collect();
    flows.push(row(APP, 0, flow("exported-intent", "execute-command", Some("a.b.Line"), "a.b.Line", "intent")));
    let reach = Reach {
        package: "a.b".to_owned(),
        component: "a.b.Desk".to_owned(),
        sink: "reboot".to_owned(),
        way: way("a.b.Desk", "onTransact"),
        bundled: false,
    };
    let service = Service {
        name: "ril".to_owned(),
        args: vec!["/system/bin/rild".to_owned(), "/sdcard/x".to_owned()],
        sockets: vec![Socket { name: "rild".to_owned(), mode: 0o666, ..Socket::default() }],
        ..Service::default()
    };
    let command = Command { args: vec!["start".to_owned(), "ril".to_owned()], line: 1 };
    let action = Action { triggers: vec!["property:a.b=*".to_owned()], commands: vec![command] };
    let node = Rule {
        pattern: "/dev/open".to_owned(),
        attribute: None,
        mode: 0o666,
        user: "root".to_owned(),
        group: "root".to_owned(),
    };
    let set = |name: &str, value: &str| Property::Set { name: name.to_owned(), value: value.to_owned() };
    let facts = Facts {
        apps: vec![row(APP, 0, app)],
        flows,
        reaches: vec![row(APP, 0, reach)],
        calls: calls.into_iter().zip(10..).map(|(value, n)| row(APP, n, value)).collect(),
        init: vec![
            row(ArtifactId(3), 0, Section::Service(Box::new(service))),
            row(ArtifactId(3), 1, Section::Action(action)),
        ],
        ueventd: vec![row(ArtifactId(4), 0, node)],
        elfs: vec![row(ArtifactId(5), 0, Elf { strings: vec!["/dev/smd0".to_owned()], ..Elf::default() })],
        properties: vec![row(ArtifactId(2), 0, set("ro.adb.secure", "1"))],
        ..Facts::default()
    };
    let formats = tree.iter().map(|_| Vec::new()).collect();
    Phone::assemble(tree, facts, Vec::new(), formats, knowledge::Knowledge::bundled())
}

fn calls() -> Vec<CodeCall> {
    vec![
        call("register-receiver", &[Some("a.b.Line"), Some("a.b.LINE"), Some("")]),
        call("offer-service", &[Some("desk"), Some("a.b.Desk")]),
        call("listen", &[Some("8080")]),
        call("listen-local", &[Some("line")]),
        call("listen-bluetooth", &[Some("line")]),
    ]
}

fn gate<'a>(surface: &'a Surface, kind: GateKind, name: &str) -> &'a Gate {
    let found = surface.gates.iter().find(|it| it.kind == kind && it.name.contains(name));
    found.unwrap_or_else(|| panic!("no {} {name}", kind.id()))
}

#[test]
fn every_kind_of_gate_is_seen() {
    let phone = phone(calls());
    let surface = Surface::of(&phone);
    let seen: BTreeSet<GateKind> = surface.gates.iter().map(|it| it.kind).collect();
    // What an app loads by its connection makes that connection one for updates.
    let missing: Vec<&str> = GateKind::ALL.iter().filter(|it| !seen.contains(it)).map(|it| it.id()).collect();
    assert_eq!(missing, ["update-channel"]);
    gate(&surface, GateKind::DialerCode, "*#*#1234#*#*");
    gate(&surface, GateKind::DialerCode, "USSD");
    gate(&surface, GateKind::Sms, "a.b.Wap");
    gate(&surface, GateKind::Recovery, "fastboot");
}

#[test]
fn a_connection_by_which_an_app_is_installed_is_one_for_updates() {
    let mut phone = phone(Vec::new());
    phone.facts.flows.push(row(APP, 0, flow("network-input", "install-package", None, "a.b.U", "URL")));
    let surface = Surface::of(&phone);
    let gate = gate(&surface, GateKind::UpdateChannel, "a.b");
    assert_eq!(gate.open_to().next(), Some(Outsider::Internet));
}

#[test]
fn a_channel_for_updates_tells_how_it_loads_and_what_is_verified() {
    let channel = |hosts: &[&str], check: Option<&str>| {
        let mut phone = phone(Vec::new());
        let mut installed = flow("network-input", "install-package", None, "a.b.U", "URL");
        installed.way.hosts = hosts.iter().map(|it| (*it).to_owned()).collect();
        installed.way.checks.extend(check.map(|kind| Check {
            kind: kind.to_owned(),
            what: "Ljava/security/Signature;->verify([B)Z".to_owned(),
            method: "La/b/U;->hold()V".to_owned(),
        }));
        phone.facts.flows.push(row(APP, 0, installed));
        let surface = Surface::of(&phone);
        let channel = gate(&surface, GateKind::UpdateChannel, "").channel.clone().expect("a channel");
        (channel.transport, channel.urls.len(), channel.verification.len())
    };
    let [tls, clear] = ["https://one.example/u.apk", "http://two.example/u.apk"];
    assert_eq!(channel(&[tls], Some("verification")), (Transport::Tls, 1, 1));
    assert_eq!(channel(&[clear], Some("caller-check")), (Transport::Clear, 1, 0), "who calls is no signature");
    assert_eq!(channel(&[tls, clear], None), (Transport::Both, 2, 0));
    assert_eq!(channel(&[], None), (Transport::Tls, 0, 0), "the level that the app is for allows nothing else");
}

#[test]
fn what_a_needed_library_asks_of_callers_counts_where_the_object_is_its_own() {
    let offered = |reads: bool| {
        let mut phone = phone(Vec::new());
        let [daemon, library] = [ArtifactId(5), ArtifactId(6)];
        let way =
            native::Way { source: "binder-input".to_owned(), sink: "execute-command".to_owned(), ..Default::default() };
        let offer = native::Offer { name: "desk".to_owned(), ..native::Offer::default() };
        let ways = if reads { vec![way] } else { Vec::new() };
        phone.facts.natives.push(row(daemon, 0, Native { offers: vec![offer], ways, ..Native::default() }));
        let needed = vec!["libdesk.so".to_owned()];
        phone.facts.elfs.push(row(daemon, 0, Elf { needed, ..Elf::default() }));
        let imports = vec!["_ZNK7android14IPCThreadState13getCallingUidEv".to_owned()];
        phone.facts.elfs.push(row(
            library,
            0,
            Elf { soname: Some("libdesk.so".to_owned()), imports, ..Elf::default() },
        ));
        gate(&Surface::of(&phone), GateKind::BinderService, "desk").open_to().next()
    };
    assert_eq!(offered(false), None, "who calls is asked in the library, whose object it is");
    assert_eq!(offered(true), Some(Outsider::App), "what is read here, nobody looks at there");
}

#[test]
fn what_code_registers_offers_and_opens_leads_where_its_handler_leads() {
    let phone = phone(calls());
    let surface = Surface::of(&phone);
    let leads = |kind, name: &str| {
        let gate = gate(&surface, kind, name);
        let lead = gate.leads.first().unwrap_or_else(|| panic!("{name} leads nowhere"));
        (lead.capability.clone(), lead.acts_as.clone(), lead.told, gate.open_along(lead).next())
    };
    let told = ("execute-command".to_owned(), "system".to_owned(), true, Some(Outsider::App));
    assert_eq!(leads(GateKind::DynamicReceiver, "a.b.LINE"), told);
    assert_eq!(leads(GateKind::LocalSocket, "@line"), told);
    let reached = ("reboot".to_owned(), "system".to_owned(), false, Some(Outsider::App));
    assert_eq!(leads(GateKind::BinderService, "desk"), reached);
    assert_eq!(leads(GateKind::Bluetooth, "line").3, Some(Outsider::Nearby));
}

#[test]
fn what_is_registered_for_the_app_itself_or_never_come_to_lets_nobody_through() {
    let own = call("register-receiver", &[Some("a.b.Line"), Some("a.b.LINE"), Some(""), Some("4")]);
    let idle = CodeCall { idle: true, ..call("listen", &[Some("8080")]) };
    let phone = phone(vec![own, idle]);
    let surface = Surface::of(&phone);
    for (kind, name, barrier) in
        [(GateKind::DynamicReceiver, "a.b.LINE", "not-exported"), (GateKind::ListeningSocket, "8080", "idle")]
    {
        let gate = gate(&surface, kind, name);
        assert_eq!(gate.open_to().next(), None, "{name}");
        assert_eq!(gate.barriers.iter().map(|it| it.kind).collect::<Vec<_>>(), [barrier]);
    }
}

#[test]
fn a_fixed_program_that_only_tells_is_no_command() {
    let exec = CodeCall { ..call("execute-command", &[Some("ping -c 1 "), Some("…")]) };
    let mut phone = phone(calls());
    phone.facts.calls.push(row(APP, 0, exec));
    let surface = Surface::of(&phone);
    let gate = gate(&surface, GateKind::DynamicReceiver, "a.b.LINE");
    assert_eq!(gate.leads.first().map(|it| it.capability.as_str()), Some("fixed-program"));
}
