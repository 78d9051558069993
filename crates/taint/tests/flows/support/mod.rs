//! The one boundary of these tests: a program as text (see [`syntax`]), compiled to a dex file, read by the real reader,
//! followed by the real engine with the real models; and the flows that are expected of it.

mod code;
mod compile;
mod dex;
mod expr;
mod names;
mod syntax;

use std::sync::{Arc, LazyLock};

use dalvik::Dex;
use knowledge::models::Models;
use taint::{Analysis, App, Component, Control, Flow, Platform};

use compile::Marks;
use names::Names;
use syntax::Program;

/// What is expected of a program in which nothing flows.
pub const NOTHING: &str = "";

/// Expects these flows of a program, one a line: `source -> sink`. A source or sink that the text calls `source…()` or
/// `sink…(value)` is called so here; of any other its kind is told. `source == "x" -> sink` is a flow of which the
/// comparison with a constant decides.
#[track_caller]
pub fn check(program: &str, expected: &str) {
    let followed = follow(program, Control::Secrets);
    let mut flows: Vec<String> = followed.analysis.flows.iter().map(|it| followed.told(it)).collect();
    assert_lines(&mut flows, expected);
}

/// The same, where everything that is tested is followed to what it decides.
#[track_caller]
pub fn check_decided(program: &str, expected: &str) {
    let followed = follow(program, Control::All);
    let mut flows: Vec<String> = followed.analysis.flows.iter().map(|it| followed.told(it)).collect();
    assert_lines(&mut flows, expected);
}

/// Expects these capabilities of components: `Main: execute-command`.
#[track_caller]
pub fn check_reaches(program: &str, expected: &str) {
    let reaches = follow(program, Control::Secrets).analysis.reaches;
    let mut lines: Vec<String> =
        reaches.iter().map(|it| format!("{}: {}", it.component.trim_matches(['L', ';']), it.sink)).collect();
    assert_lines(&mut lines, expected);
}

/// Expects these checks on the way of the flows: `caller-check in Main.act`.
#[track_caller]
pub fn check_checks(program: &str, expected: &str) {
    let flows = follow(program, Control::Secrets).analysis.flows;
    let checks = flows.iter().flat_map(|it| &it.checks);
    let mut lines: Vec<String> = checks.map(|it| format!("{} in {}", it.kind, short(&it.method))).collect();
    assert_lines(&mut lines, expected);
}

/// Expects this way of the only flow, one step a line.
#[track_caller]
pub fn check_way(program: &str, expected: &str) {
    let flows = follow(program, Control::Secrets).analysis.flows;
    assert_eq!(flows.len(), 1, "{flows:#?}");
    let steps = flows[0].steps.iter().map(|it| match it.class.as_str() {
        "" => it.what.clone(),
        class => format!("{}: {}", short(&format!("{class}->{}", it.method)), it.what),
    });
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
    assert_eq!(steps.collect::<Vec<_>>().join("\n"), expected.join("\n"));
}

/// Expects that these bounds are reached.
#[track_caller]
pub fn check_limits(program: &str, expected: &str) {
    let limits = follow(program, Control::Secrets).analysis.limits;
    assert_lines(&mut limits.into_iter().map(|it| it.what).collect(), expected);
}

/// Expects these flows between apps, each of them a program: `0: source -> sink in 1`.
#[track_caller]
pub fn check_across(programs: &[&str], expected: &str) {
    let apps: Vec<(App, Followed)> =
        programs.iter().map(|text| (app_of(&syntax::parse(text)), follow(text, Control::Secrets))).collect();
    let pairs: Vec<(&App, &Analysis)> = apps.iter().map(|(app, followed)| (app, &followed.analysis)).collect();
    let (flows, all_found) = taint::across(&pairs, &MODELS);
    assert!(all_found);
    let mut lines: Vec<String> = flows
        .iter()
        .map(|(from, flow)| {
            let into = flow.steps.last().and_then(|it| it.app).expect("another app");
            format!("{from}: {} -> {} in {into}", flow.source, flow.sink)
        })
        .collect();
    assert_lines(&mut lines, expected);
}

#[track_caller]
pub fn assert_lines(lines: &mut Vec<String>, expected: &str) {
    lines.sort();
    lines.dedup();
    let mut expected: Vec<&str> = expected.lines().map(str::trim).filter(|it| !it.is_empty()).collect();
    expected.sort_unstable();
    assert_eq!(lines.join("\n"), expected.join("\n"));
}

/// `LMain;->act(I)V` as `Main.act`.
fn short(title: &str) -> String {
    let (class, method) = title.split_once("->").unwrap_or(("", title));
    let class = class.trim_matches(['L', ';']).rsplit('/').next().unwrap_or_default();
    format!("{class}.{}", method.split('(').next().unwrap_or_default())
}

struct Followed {
    analysis: Analysis,
    marks: Marks,
}

impl Followed {
    fn told(&self, flow: &Flow) -> String {
        let name = |step: Option<&taint::FlowStep>, kind: &str| {
            let mark = step.and_then(|it| self.marks.get(&(it.class.clone(), it.method.clone(), it.offset)));
            mark.cloned().unwrap_or_else(|| kind.to_owned())
        };
        let secret = flow.secret.as_ref().map(|it| format!(" == {it}")).unwrap_or_default();
        format!("{}{secret} -> {}", name(flow.steps.first(), &flow.source), name(flow.steps.last(), &flow.sink))
    }
}

fn follow(text: &str, control: Control) -> Followed {
    let program = syntax::parse(text);
    let (bytes, platform, marks) = compile::compile(&program, OUTSIDE.clone());
    let platform = Dex::parse(Arc::from(platform)).expect("a dex file");
    let platform = Platform::joined([Platform::of([&platform], MODELS.framework())]);
    let app = App { control, platform: Arc::new(platform), ..app_of(&program) };
    let analysis = analyse(&bytes, &app);
    Followed { analysis, marks }
}

/// Follows values through an app with this code.
pub fn analyse(dex: &[u8], app: &App) -> Analysis {
    let dex = Dex::parse(Arc::from(dex)).expect("a dex file");
    let mut program = dalvik::Program::new([dex]);
    taint::analyse(&mut program, &MODELS, app, FUEL)
}

fn app_of(program: &Program) -> App {
    let mut app = App {
        package: "test".to_owned(),
        click_handlers: program.click_handlers.clone(),
        password_views: program.password_views.clone(),
        ..App::default()
    };
    for class in &program.classes {
        let descriptor = format!("L{};", class.name);
        let kind = match class.kind.as_str() {
            "activity" => "activity",
            "service" => "service",
            "receiver" => "receiver",
            "provider" => "provider",
            "application" => {
                app.application = Some(descriptor);
                continue;
            }
            "fragment" => {
                app.fragments.push(descriptor);
                continue;
            }
            _ => continue,
        };
        let (exported, actions) = (class.exported, class.actions.clone());
        app.components.push(Component { kind, class: descriptor, exported, actions });
    }
    app
}

static MODELS: LazyLock<Models> = LazyLock::new(Models::bundled);

static OUTSIDE: LazyLock<Names> = LazyLock::new(|| Names::outside(include_str!("outside.txt"), MODELS.framework()));

/// Far more than a program of some lines needs.
const FUEL: u64 = 2_000_000;
