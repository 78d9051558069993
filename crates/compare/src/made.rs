//! Phones that were made up for tests: dumps with the facts that readers would state.

use knowledge::Knowledge;
use model::fact::adb_key::AdbKey;
use model::fact::app::App;
use model::fact::certificate::{Certificate, Role};
use model::fact::elf::Elf;
use model::fact::flow::{Flow, Way};
use model::fact::init::{Action, Command, Section, Service};
use model::fact::kernel::Kernel;
use model::fact::policy::Policy;
use model::fact::property::Property;
use model::{Artifact, ArtifactId, Blob, Facts, Finding, Gap, Layer, Location, Node, NodeKind, Row, Tree};
use phone::Phone;

use crate::{Beside, Comparison, Content, Opened, Side};

/// A phone that is being made.
pub struct Made {
    tree: Tree,
    facts: Facts,
    gaps: Vec<Gap>,
    formats: Vec<Vec<&'static str>>,
    contents: Vec<Content>,
    pub findings: Vec<Finding>,
}

impl Made {
    /// A dump with a system.
    pub fn dump() -> Made {
        let mut made = Made {
            tree: Tree::default(),
            facts: Facts::default(),
            gaps: Vec::new(),
            formats: Vec::new(),
            contents: Vec::new(),
            findings: Vec::new(),
        };
        made.add(None, "dump", NodeKind::Directory, "", &[]);
        made.file("/system/build.prop", "ro.a=b", &["prop"]);
        made
    }

    fn add(
        &mut self,
        parent: Option<ArtifactId>,
        name: &str,
        kind: NodeKind,
        content: &str,
        formats: &[&'static str],
    ) -> ArtifactId {
        let id = self.tree.next_id();
        let node = Node { kind, ..Node::default() };
        let blob = Blob::from_bytes(content.as_bytes().to_vec());
        let (name, raw_name) = (name.to_owned(), name.as_bytes().to_vec());
        self.tree.push(Artifact { id, parent, name, raw_name, depth: 0, blob, node });
        self.formats.push(formats.to_vec());
        let mut digest = [0; 32];
        content.bytes().take(32).enumerate().for_each(|(n, byte)| digest[n] = byte);
        self.contents.push(Content::Known(digest));
        id
    }

    /// A file of it.
    pub fn file(&mut self, path: &str, content: &str, formats: &[&'static str]) -> ArtifactId {
        self.add(Some(ArtifactId(0)), path, NodeKind::File, content, formats)
    }

    /// A symbolic link of it.
    pub fn link(&mut self, path: &str, to: &str) {
        self.add(Some(ArtifactId(0)), path, NodeKind::Symlink, to, &[]);
    }

    /// A file that could not be read.
    pub fn unread(&mut self, path: &str) {
        let id = self.file(path, "x", &[]);
        self.contents[id.0 as usize] = Content::Unknown("it is lost".to_owned());
    }

    /// A file system of which not all could be listed.
    pub fn broken(&mut self) {
        let gap =
            Gap { artifact: ArtifactId(0), why: "a folder cannot be listed".to_owned(), layer: Layer::Partitions };
        self.gaps.push(gap);
    }

    /// An app with a signer; its content is what is said of it.
    pub fn app(&mut self, path: &str, app: App, signer: &str) -> ArtifactId {
        let content = format!("{signer} {} {:?}", app.version_code.unwrap_or(0), app.uses_permissions);
        let id = self.file(path, &content, &["zip", "apk"]);
        self.facts.apps.push(Row { at: at(id), value: app });
        self.certificate(id, Role::ApkV2, signer);
        id
    }

    /// A certificate in a file.
    pub fn certificate(&mut self, id: ArtifactId, role: Role, subject: &str) {
        let text = || subject.to_owned();
        let value = Certificate {
            role,
            sha256: text(),
            sha1: text(),
            md5: text(),
            public_key_sha256: text(),
            subject: text(),
            issuer: text(),
            serial: text(),
            not_before: 0,
            not_after: 0,
            key_algorithm: text(),
            key_bits: None,
            signature_algorithm: text(),
        };
        self.facts.certificates.push(Row { at: at(id), value });
    }

    /// A property of `/system/build.prop`.
    pub fn property(&mut self, name: &str, value: &str) {
        let value = Property::Set { name: name.to_owned(), value: value.to_owned() };
        self.facts.properties.push(Row { at: at(ArtifactId(1)), value });
    }

    /// A service of an init script.
    pub fn service(&mut self, path: &str, service: Service) {
        let id = self.file(path, &format!("{service:?}"), &["init-rc"]);
        self.facts.init.push(Row { at: at(id), value: Section::Service(Box::new(service)) });
    }

    /// A program or library.
    pub fn elf(&mut self, path: &str, elf: Elf) {
        let id = self.file(path, &format!("{elf:?}"), &["elf"]);
        // What is longer than a hash is not part of it.
        self.differ(id, &elf);
        self.facts.elfs.push(Row { at: at(id), value: elf });
    }

    /// A policy.
    pub fn policy(&mut self, path: &str, policy: Policy) {
        let id = self.file(path, "policy", &["sepolicy"]);
        self.differ(id, &policy);
        self.facts.policies.push(Row { at: at(id), value: policy });
    }

    /// A kernel in an image of its own.
    pub fn kernel(&mut self, banner: &str, config: &[(&str, &str)]) {
        let id = self.file("/kernel", banner, &["kernel"]);
        let config = config.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect();
        self.facts.kernels.push(Row { at: at(id), value: Kernel { banner: banner.to_owned(), config } });
    }

    /// A key that may use adb.
    pub fn adb_key(&mut self, path: &str, comment: &str) {
        let id = self.file(path, comment, &["adb-keys"]);
        let value = AdbKey { sha256: comment.to_owned(), bits: None, comment: comment.to_owned() };
        self.facts.adb_keys.push(Row { at: at(id), value });
    }

    /// Commands of init.
    pub fn action(&mut self, path: &str, trigger: &str, command: &[&str]) {
        let id = self.file(path, &command.join(" "), &["init-rc"]);
        let args = command.iter().map(|it| (*it).to_owned()).collect();
        let value =
            Action { triggers: vec![trigger.to_owned()], commands: vec![Command { args, ..Command::default() }] };
        self.facts.init.push(Row { at: at(id), value: Section::Action(value) });
    }

    fn differ(&mut self, id: ArtifactId, by: &dyn std::fmt::Debug) {
        let digest = format!("{by:?}").bytes().fold([0u8; 32], |mut digest, byte| {
            digest.rotate_left(1);
            digest[0] = digest[0].wrapping_mul(31).wrapping_add(byte);
            digest
        });
        self.contents[id.0 as usize] = Content::Known(digest);
    }

    /// A value that travels through an app.
    pub fn flow(&mut self, id: ArtifactId, package: &str, source: &str, sink: &str) {
        let value = Flow {
            package: package.to_owned(),
            rule: "outside-decides".to_owned(),
            source: source.to_owned(),
            sink: sink.to_owned(),
            component: None,
            way: Way::default(),
            bundled: false,
            secret: None,
            into: None,
        };
        self.facts.flows.push(Row { at: at(id), value });
    }

    fn done(self) -> (Phone, Vec<Content>, Vec<Finding>) {
        let phone = Phone::assemble(self.tree, self.facts, self.gaps, self.formats, Knowledge::bundled());
        (phone, self.contents, self.findings)
    }
}

fn at(artifact: ArtifactId) -> Location {
    Location { artifact, offset: 0, size: 1 }
}

/// What two of them have beside each other, where no code is looked into.
pub fn compared(left: Made, right: Made) -> Comparison {
    compared_with(left, right, &Opened::default())
}

/// The same, where this was seen in what differs.
pub fn compared_with(left: Made, right: Made, opened: &Opened) -> Comparison {
    let (left, right) = (left.done(), right.done());
    let (left, right) = (side(&left), side(&right));
    let beside = Beside::of(&left, &right);
    let plan = beside.plan();
    beside.compare(&plan, opened)
}

fn side((phone, contents, findings): &(Phone, Vec<Content>, Vec<Finding>)) -> Side<'_> {
    Side { name: "a".to_owned(), phone, findings, contents, units: Vec::new() }
}

/// Each difference as a line: kind, what, left, right.
pub fn lines(comparison: &Comparison) -> Vec<String> {
    let line = |it: &crate::Delta| format!("{} {}: {} | {}", it.kind.word(), it.what, it.left, it.right);
    comparison.deltas.iter().map(line).collect()
}
