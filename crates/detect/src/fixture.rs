//! Small made phones for the detectors' cases.

use model::fact::anomaly::{Anomaly, Kind};
use model::fact::app::{App, Component, ComponentKind, IntentFilter, UsesPermission};
use model::fact::certificate::{Certificate, Role};
use model::fact::init::{Section, Service};
use model::fact::property::Property;
use model::fact::sighting::{IndicatorKind, Sighting};
use model::{Artifact, ArtifactId, Blob, Facts, Finding, Location, Node, NodeKind, Row, Tree};
use phone::Phone;
use surface::Surface;

use crate::{Context, Detector};

/// What shows a detector firing, and what looks alike and is innocent.
pub(crate) struct Cases {
    pub fires: &'static [fn() -> Fixture],
    pub silent: &'static [fn() -> Fixture],
}

/// A phone in the making: an unpacked dump.
pub(crate) struct Fixture {
    pub tree: Tree,
    pub facts: Facts,
    pub formats: Vec<Vec<&'static str>>,
    pub feeds: Vec<knowledge::Feed>,
}

impl Fixture {
    /// A folder with a `build.prop` that says nothing.
    pub fn phone() -> Fixture {
        let mut fixture =
            Fixture { tree: Tree::default(), facts: Facts::default(), formats: Vec::new(), feeds: Vec::new() };
        fixture.push(None, "dump", Node { kind: NodeKind::Directory, ..Node::default() }, &[]);
        fixture.file("/system/build.prop");
        fixture
    }

    fn push(&mut self, parent: Option<u32>, name: &str, node: Node, formats: &[&'static str]) -> ArtifactId {
        let id = self.tree.next_id();
        self.tree.push(Artifact {
            id,
            parent: parent.map(ArtifactId),
            name: name.to_owned(),
            raw_name: name.as_bytes().to_vec(),
            depth: u32::from(parent.is_some()),
            blob: Blob::from_bytes(*b"bytes"),
            node,
        });
        self.formats.push(formats.to_vec());
        id
    }

    /// A file; twice the same path is the same file.
    pub fn file(&mut self, path: &str) -> ArtifactId {
        self.node(path, Node::file())
    }

    pub fn node(&mut self, path: &str, node: Node) -> ArtifactId {
        match self.tree.iter().find(|it| it.name == path) {
            Some(known) => known.id,
            None => self.push(Some(0), path, node, &[]),
        }
    }

    pub fn at(artifact: ArtifactId) -> Location {
        Location { artifact, offset: 0, size: 5 }
    }

    pub fn row<T>(artifact: ArtifactId, value: T) -> Row<T> {
        Row { at: Fixture::at(artifact), value }
    }

    pub fn with_file(mut self, path: &str) -> Fixture {
        self.file(path);
        self
    }

    pub fn with_node(mut self, path: &str, node: Node) -> Fixture {
        self.node(path, node);
        self
    }

    /// A property of `/system/build.prop`.
    pub fn property(mut self, name: &str, value: &str) -> Fixture {
        let file = self.file("/system/build.prop");
        let property = Property::Set { name: name.to_owned(), value: value.to_owned() };
        self.facts.properties.push(Fixture::row(file, property));
        self
    }

    /// An app, signed by a certificate of this subject (whose hash is the subject too).
    pub fn app(mut self, path: &str, app: App, signer: &str) -> Fixture {
        let file = self.push(Some(0), path, Node::file(), &["zip", "apk"]);
        self.facts.apps.push(Fixture::row(file, app));
        self.facts.certificates.push(Fixture::row(file, certificate(Role::ApkV2, signer)));
        self
    }

    /// The platform, signed by a certificate of this subject, with its permissions.
    pub fn platform(self, signer: &str) -> Fixture {
        let mut android = app("android");
        for (name, level) in [
            ("android.permission.INTERNET", 0),
            ("android.permission.READ_SMS", 1),
            ("android.permission.INSTALL_PACKAGES", 0x12),
            ("android.permission.DUMP", 0x2),
        ] {
            android.permissions.push(model::fact::app::Permission {
                name: name.to_owned(),
                protection_level: level,
                group: None,
            });
        }
        self.app("/system/framework/framework-res.apk", android, signer)
    }

    pub fn certificate(mut self, path: &str, role: Role, subject: &str) -> Fixture {
        let file = self.file(path);
        self.facts.certificates.push(Fixture::row(file, certificate(role, subject)));
        self
    }

    /// A certificate of a store, by its hash and its subject.
    pub fn authority(mut self, path: &str, sha256: &str, subject: &str) -> Fixture {
        let file = self.file(path);
        let authority = Certificate { sha256: sha256.to_owned(), ..certificate(Role::SystemCa, subject) };
        self.facts.certificates.push(Fixture::row(file, authority));
        self
    }

    pub fn service(mut self, service: Service) -> Fixture {
        let file = self.file("/system/etc/init/test.rc");
        self.facts.init.push(Fixture::row(file, Section::Service(Box::new(service))));
        self
    }

    pub fn anomaly(mut self, path: &str, format: &str, kind: Kind) -> Fixture {
        let file = self.file(path);
        let anomaly = Anomaly { format: format.to_owned(), kind, detail: "an entry".to_owned() };
        self.facts.anomalies.push(Fixture::row(file, anomaly));
        self
    }

    /// A value that is compared with a constant, which decides about a sink.
    pub fn secret(self, path: &str, source: &str, sink: &str, secret: &str) -> Fixture {
        let mut fixture = self.flow(path, source, sink, None, &[]);
        if let Some(row) = fixture.facts.flows.last_mut() {
            let rule = knowledge::Knowledge::bundled().models.rule(knowledge::models::By::Comparison, source, sink);
            row.value.rule = rule.map(|it| it.id.clone()).unwrap_or_default();
            row.value.secret = Some(secret.to_owned());
        }
        fixture
    }

    /// A known indicator in a file that is read as these formats. A name without a slash is a file beside the dump.
    pub fn sighting(
        mut self,
        path: &str,
        formats: &[&'static str],
        kind: IndicatorKind,
        value: &str,
        n_hosts: u32,
    ) -> Fixture {
        let file = match path.starts_with('/') {
            true => self.file(path),
            false => self.push(None, path, Node::file(), &[]),
        };
        self.formats[file.0 as usize] = formats.to_vec();
        let sighting = Sighting { kind, value: value.to_owned(), found: value.to_owned(), n_hosts };
        self.facts.sightings.push(Fixture::row(file, sighting));
        self
    }

    /// A value that travels through the code of the app at a path.
    pub fn flow(mut self, path: &str, source: &str, sink: &str, component: Option<&str>, checks: &[&str]) -> Fixture {
        use knowledge::models::By;
        use model::fact::flow::{Check, Flow, Step, Way};
        let file = self.file(path);
        let at = Fixture::at(file);
        let step = |what: &str| Step {
            at: Some(at),
            class: "a.b.C".to_owned(),
            method: "run()V".to_owned(),
            what: what.to_owned(),
        };
        let checks = checks.iter().map(|kind| Check {
            kind: (*kind).to_owned(),
            what: "check".to_owned(),
            method: "run".to_owned(),
        });
        let rules = knowledge::Knowledge::bundled().models.rule(By::Value, source, sink);
        self.facts.flows.push(Fixture::row(
            file,
            Flow {
                package: "a.b".to_owned(),
                rule: rules.map(|it| it.id.clone()).unwrap_or_default(),
                source: source.to_owned(),
                sink: sink.to_owned(),
                component: component.map(str::to_owned),
                way: Way {
                    steps: vec![step(source), step(sink)],
                    checks: checks.collect(),
                    hosts: Vec::new(),
                    indirect: false,
                    stored: true,
                },
                bundled: false,
                secret: None,
                into: None,
            },
        ));
        self
    }

    /// Code at a path loads the file of code at another one.
    pub fn loads(mut self, loader: &str, path: &str) -> Fixture {
        use model::fact::call::CodeCall;
        use model::fact::code::{Code, Container};
        let (loader, file) = (self.file(loader), self.file(path));
        let call = CodeCall {
            what: "load-code".to_owned(),
            class: "a.b.C".to_owned(),
            method: "run()V".to_owned(),
            args: vec![Some(path.to_owned())],
            paths: Vec::new(),
            idle: false,
            payload: None,
        };
        let code = Code {
            container: Container::Dex,
            version: "035".to_owned(),
            n_classes: Some(1),
            n_methods: Some(1),
            n_dex: None,
        };
        self.facts.calls.push(Fixture::row(loader, call));
        self.facts.code.push(Fixture::row(file, code));
        self
    }

    /// A feed that the user gives.
    pub fn feed(mut self, name: &str, text: &str) -> Fixture {
        self.feeds.push(knowledge::Feed::read(name, text.as_bytes()).unwrap());
        self
    }

    /// The phone.
    pub fn assemble(self) -> Phone {
        Phone::assemble(self.tree, self.facts, Vec::new(), self.formats, knowledge::Knowledge::bundled())
    }

    /// What a detector finds.
    pub fn detect(mut self, detector: &Detector) -> Vec<Finding> {
        let feeds = knowledge::Feeds::of(std::mem::take(&mut self.feeds));
        let phone = self.assemble();
        let surface = Surface::of(&phone);
        let mut findings = Vec::new();
        (detector.detect)(
            &Context { phone: &phone, surface: &surface, knowledge: knowledge::Knowledge::bundled(), feeds: &feeds },
            &mut findings,
        );
        findings
    }
}

/// An enabled app for a current Android.
pub(crate) fn app(package: &str) -> App {
    App {
        package: package.to_owned(),
        target_sdk: Some(33),
        has_application: true,
        has_code: true,
        enabled: true,
        ..App::default()
    }
}

/// An app that asks for permissions.
pub(crate) fn app_asking(package: &str, permissions: &[&str]) -> App {
    let uses = permissions.iter().map(|it| UsesPermission { name: (*it).to_owned(), max_sdk: None });
    App { uses_permissions: uses.collect(), ..app(package) }
}

/// An exported, enabled component with one intent filter.
pub(crate) fn component(kind: ComponentKind, name: &str, permission: Option<&str>, actions: &[&str]) -> Component {
    Component {
        kind,
        name: name.to_owned(),
        exported: Some(true),
        enabled: true,
        permission: permission.map(str::to_owned),
        filters: vec![IntentFilter {
            actions: actions.iter().map(|it| (*it).to_owned()).collect(),
            ..IntentFilter::default()
        }],
        ..Component::default()
    }
}

/// A service of init.
pub(crate) fn service(name: &str, program: &str, user: Option<&str>) -> Service {
    Service {
        name: name.to_owned(),
        args: vec![program.to_owned()],
        user: user.map(str::to_owned),
        ..Service::default()
    }
}

pub(crate) fn certificate(role: Role, subject: &str) -> Certificate {
    Certificate {
        role,
        sha256: subject.to_owned(),
        sha1: subject.to_owned(),
        md5: subject.to_owned(),
        public_key_sha256: subject.to_owned(),
        subject: subject.to_owned(),
        issuer: subject.to_owned(),
        serial: "01".to_owned(),
        not_before: 0,
        not_after: 4_000_000_000,
        key_algorithm: "RSA".to_owned(),
        key_bits: Some(2048),
        signature_algorithm: "sha256WithRSAEncryption".to_owned(),
    }
}
