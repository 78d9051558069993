//! Phones that try to keep the graph busy: circles of properties, very many services, a policy and labels that lie.

use model::fact::init::{Action, Command, Section, Service};
use model::{Artifact, ArtifactId, Blob, Facts, Location, Node, NodeKind, Row, Tree};
use phone::Phone;
use surface::{GateKind, Surface};

/// A phone whose init has these sections.
fn phone(sections: Vec<Section>) -> Phone {
    let mut tree = Tree::default();
    let mut push = |parent: Option<u32>, name: &str, node: Node| {
        let id = tree.next_id();
        tree.push(Artifact {
            id,
            parent: parent.map(ArtifactId),
            name: name.to_owned(),
            raw_name: name.as_bytes().to_vec(),
            depth: u32::from(parent.is_some()),
            blob: Blob::from_bytes(*b"bytes"),
            node,
        });
        id
    };
    push(None, "dump", Node { kind: NodeKind::Directory, ..Node::default() });
    push(Some(0), "/system/build.prop", Node::file());
    let file = push(Some(0), "/system/etc/init/test.rc", Node::file());
    let at = |n: u64| Location { artifact: file, offset: n, size: 1 };
    let init = sections.into_iter().zip(0..).map(|(value, n)| Row { at: at(n), value }).collect();
    let facts = Facts { init, ..Facts::default() };
    let formats = tree.iter().map(|_| Vec::new()).collect();
    Phone::assemble(tree, facts, Vec::new(), formats, knowledge::Knowledge::bundled())
}

fn action(trigger: String, commands: &[&[&str]]) -> Section {
    let command = |args: &&[&str]| Command { args: args.iter().map(|it| (*it).to_owned()).collect(), line: 1 };
    Section::Action(Action { triggers: vec![trigger], commands: commands.iter().map(command).collect() })
}

fn service(name: String) -> Section {
    Section::Service(Box::new(Service {
        args: vec!["/system/bin/sh".to_owned(), "-c".to_owned(), "${p0}".to_owned()],
        classes: vec!["main".to_owned()],
        name,
        ..Service::default()
    }))
}

#[test]
fn a_circle_of_properties_ends_and_what_it_leads_to_is_told() {
    let mut sections = vec![service("s".to_owned())];
    for n in 0..8 {
        let (own, next) = (format!("p{n}"), format!("p{}", (n + 1) % 8));
        let value = format!("${{{own}}}");
        sections.push(action(
            format!("property:{own}=*"),
            &[&["setprop", &next, &value], &["start", "s"], &["trigger", "e"]],
        ));
    }
    sections.push(action("e".to_owned(), &[&["trigger", "e"], &["class_start", "main"]]));
    let phone = phone(sections);
    let surface = Surface::of(&phone);
    let gate = surface.gates.iter().find(|it| it.kind == GateKind::Property && it.name == "p3").unwrap();
    let lead = gate.leads.iter().find(|it| it.told && it.capability == "execute-command").unwrap();
    assert_eq!(lead.acts_as, "root");
    assert!(surface.bounds.is_empty(), "{:?}", surface.bounds);
}

#[test]
fn fifty_thousand_services_that_start_each_other_reach_a_bound_that_is_told() {
    let mut sections = Vec::new();
    for n in 0..50_000 {
        sections.push(service(format!("s{n}")));
        let next = format!("p{}", (n + 1) % 50_000);
        let own = format!("s{n}");
        sections.push(action(format!("property:p{n}=*"), &[&["setprop", &next, "1"], &["start", &own]]));
    }
    let phone = phone(sections);
    let surface = Surface::of(&phone);
    assert!(!surface.bounds.is_empty());
    assert!(surface.gates.iter().any(|it| it.kind == GateKind::Property));
}
