//! The gates of the phone as a picture: who comes by which kind of gate, past which guard, to which power.
//!
//! Every way is drawn once, for the farthest outsider who can go it; a band is as broad as it has ways. So the picture has as
//! many nodes on a phone with four hundred apps as on one with ten.

use std::collections::BTreeMap;
use std::io::{self, Write};

use model::Report;
use model::finding::Power;
use model::report::WayLine;

use crate::escape::Html;
use crate::words;

/// Writes the picture, the counts, and the ways by power.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let surface = &report.surface;
    if surface.ways.is_empty() {
        writeln!(out, "<p class=\"quiet\">No way from outside to a power was seen.</p>")?;
    } else {
        let n = words::many(surface.ways.len() as u64, "way", "ways");
        writeln!(
            out,
            "<p>{n} from outside to a power {} seen. A way is no finding: most are what a component is there for.</p>",
            if surface.ways.len() == 1 { "was" } else { "were" }
        )?;
        picture(&surface.ways, out)?;
        for power in POWERS {
            list(report, *power, out)?;
        }
    }
    for bound in &surface.bounds {
        writeln!(out, "<p class=\"quiet\">A bound was reached: {}.</p>", Html(bound))?;
    }
    if surface.counts.is_empty() {
        return Ok(());
    }
    writeln!(out, "<details class=\"annex\"><summary>All gates by kind</summary>")?;
    let rows: Vec<[String; 4]> = surface
        .counts
        .iter()
        .map(|it| [it.words.clone(), words::number(it.total), words::number(it.open), words::number(it.leading)])
        .collect();
    let lines = rows.iter().map(|[a, b, c, d]| [a, b, c, d]);
    super::table(["Kind", "All", "Let someone through", "Lead someone to a power"], lines, out)?;
    writeln!(out, "</details>")
}

/// A column of the picture.
#[derive(Default)]
struct Column<'a> {
    /// Nodes by their order and label, with their ways.
    nodes: BTreeMap<(usize, &'a str), Vec<&'a WayLine>>,
}

/// Where a node stands, and how much of its height bands have taken on either side.
struct Place {
    y: f64,
    height: f64,
    unit: f64,
    left: f64,
    right: f64,
}

fn picture(ways: &[WayLine], out: &mut dyn Write) -> io::Result<()> {
    let mut columns: [Column; 4] = Default::default();
    for way in ways {
        for (n, column) in columns.iter_mut().enumerate() {
            column.nodes.entry(node_of(way, n)).or_default().push(way);
        }
    }
    let scale = PICTURE_HEIGHT / ways.len() as f64;
    let mut places: [BTreeMap<(usize, &str), Place>; 4] = Default::default();
    let mut height: f64 = 0.0;
    for (column, places) in columns.iter().zip(&mut places) {
        let mut y = TOP;
        for (node, ways) in &column.nodes {
            let own = (ways.len() as f64 * scale).max(NODE_MIN);
            places.insert(*node, Place { y, height: own, unit: own / ways.len() as f64, left: 0.0, right: 0.0 });
            y += own + GAP;
        }
        height = height.max(y);
    }
    writeln!(
        out,
        "<figure class=\"gates\"><svg viewBox=\"0 0 1000 {height:.0}\" role=\"img\"><title>Who comes by which kind of gate, past \
         which guard, to which power</title>"
    )?;
    for (x, heading) in COLUMNS {
        writeln!(out, "<text class=\"head\" x=\"{x}\" y=\"12\">{heading}</text>")?;
    }
    for n in 0..3 {
        let mut bands: BTreeMap<_, Vec<&WayLine>> = BTreeMap::new();
        for way in ways {
            bands.entry((node_of(way, n), node_of(way, n + 1), way.power)).or_default().push(way);
        }
        for ((from, to, power), ways) in bands {
            let (start, end) = (
                taken(places[n].get_mut(&from), ways.len(), Side::Right),
                taken(places[n + 1].get_mut(&to), ways.len(), Side::Left),
            );
            let (a, b) = (COLUMNS[n].0 + NODE_WIDTH, COLUMNS[n + 1].0);
            let middle = f64::midpoint(a, b);
            writeln!(
                out,
                "<path class=\"band p-{}\" d=\"M{a} {:.1}C{middle} {:.1} {middle} {:.1} {b} {:.1}V{:.1}C{middle} {:.1} {middle} {:.1} \
                 {a} {:.1}Z\"><title>{}</title></path>",
                class_of(power),
                start.0,
                start.0,
                end.0,
                end.0,
                end.1,
                end.1,
                start.1,
                start.1,
                Html(&named(&ways))
            )?;
        }
    }
    for (n, column) in columns.iter().enumerate() {
        for (node, ways) in &column.nodes {
            let Some(place) = places[n].get(node) else { continue };
            let x = COLUMNS[n].0;
            let link = if n == 3 { format!("<a href=\"#w-{}\">", class_of(POWERS[node.0])) } else { String::new() };
            writeln!(
                out,
                "{link}<rect class=\"node\" x=\"{x}\" y=\"{:.1}\" width=\"{NODE_WIDTH}\" height=\"{:.1}\"/>\
                 <text x=\"{}\" y=\"{:.1}\">{} <tspan>{}</tspan></text>{}",
                place.y,
                place.height,
                x + NODE_WIDTH + 5.0,
                place.y + place.height / 2.0,
                Html(node.1),
                words::number(ways.len() as u64),
                if link.is_empty() { "" } else { "</a>" }
            )?;
        }
    }
    writeln!(out, "</svg></figure>")
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// The part of a node's edge that the next band takes.
fn taken(place: Option<&mut Place>, n: usize, side: Side) -> (f64, f64) {
    let Some(place) = place else { return (0.0, 0.0) };
    let used = if side == Side::Left { &mut place.left } else { &mut place.right };
    let start = place.y + *used;
    *used += n as f64 * place.unit;
    (start, place.y + *used)
}

/// The node of a way in a column: its order there, and its label.
fn node_of(way: &WayLine, column: usize) -> (usize, &str) {
    let within = |all: &[(&str, &'static str)], id: &str| {
        all.iter().position(|it| it.0 == id).and_then(|it| Some((it, all.get(it)?.1)))
    };
    match column {
        0 => {
            let first = way.from.first().map_or("", String::as_str);
            within(OUTSIDERS, first).unwrap_or((OUTSIDERS.len(), first))
        }
        1 => (0, &way.kind),
        2 => within(GUARDS, guard_of(way)).unwrap_or((GUARDS.len(), "another guard")),
        _ => (POWERS.iter().position(|it| *it == way.power).unwrap_or(0), power_words(way.power)),
    }
}

/// The guard of a way that stops most.
fn guard_of(way: &WayLine) -> &'static str {
    let has = |text: &str| way.guards.iter().any(|it| it.contains(text));
    let is = |kind: &str| way.guards.iter().any(|it| it.starts_with(kind));
    match () {
        () if way.guards.is_empty() => "nothing",
        () if is("secret") => "secret",
        () if is("adb") || is("user") => "user",
        () if has("(dangerous") => "asked",
        () if has("which nobody declares") => "undeclared",
        () if has("(normal") => "normal",
        () => "system",
    }
}

fn named(ways: &[&WayLine]) -> String {
    let mut text = words::many(ways.len() as u64, "way", "ways");
    for way in ways.iter().take(NAMED) {
        text += &format!("\n{} of {}: {}", way.gate, way.owner, way.capability);
    }
    if NAMED < ways.len() {
        text += "\n…";
    }
    text
}

/// The ways to a power, those first that what is said goes along.
fn list(report: &Report, power: Power, out: &mut dyn Write) -> io::Result<()> {
    let ways: Vec<&WayLine> = report.surface.ways.iter().filter(|it| it.power == power).collect();
    if ways.is_empty() {
        return Ok(());
    }
    let count = words::many(ways.len() as u64, "way", "ways");
    writeln!(
        out,
        "<details class=\"annex\" id=\"w-{}\"><summary>{}: {count}</summary><ol class=\"ways\">",
        class_of(power),
        power_words(power)
    )?;
    for way in ways.iter().take(LISTED) {
        let finding = report.findings.iter().position(|it| {
            !it.device_path.is_empty() && it.device_path == way.device_path && it.subject.contains(&way.gate)
        });
        let link = finding.map(|it| format!(" <a href=\"#f{0}\">finding {0}</a>", it + 1)).unwrap_or_default();
        let how = match (way.told, way.loose) {
            (true, false) => "what is said reaches it",
            (true, true) => "what is said may reach it",
            (false, _) => "whatever is said",
        };
        writeln!(
            out,
            "<li><b>{}</b> by {} <code>{}</code> of <code>{}</code> → <b>{}</b> as {}, {how}{link}<br><span>{}{}, {:#x}</span></li>",
            Html(&way.from.iter().map(|it| words_of(it)).collect::<Vec<_>>().join(", ")),
            Html(&way.kind),
            Html(&way.gate),
            Html(&way.owner),
            Html(&way.capability),
            Html(&way.acts_as),
            Html(&way.guards.iter().map(|it| format!("{it}; ")).collect::<String>()),
            Html(&way.path),
            way.offset
        )?;
    }
    writeln!(out, "</ol>")?;
    if LISTED < ways.len() {
        let more = words::number((ways.len() - LISTED) as u64);
        writeln!(
            out,
            "<p class=\"quiet\">{more} more stand in the JSON report, and <code>postern gates</code> shows their steps.</p>"
        )?;
    }
    writeln!(out, "</details>")
}

fn words_of(outsider: &str) -> &str {
    OUTSIDERS.iter().find(|it| it.0 == outsider).map_or(outsider, |it| it.1)
}

fn class_of(power: Power) -> &'static str {
    match power {
        Power::System => "system",
        Power::Install => "install",
        Power::Data => "data",
        Power::Settings => "settings",
        Power::None => "none",
    }
}

fn power_words(power: Power) -> &'static str {
    match power {
        Power::System => "code of the system",
        Power::Install => "install and erase",
        Power::Data => "personal data",
        Power::Settings => "settings",
        Power::None => "nothing",
    }
}

const POWERS: &[Power] = &[Power::System, Power::Install, Power::Data, Power::Settings, Power::None];

const OUTSIDERS: &[(&str, &str)] = &[
    ("internet", "the internet"),
    ("sms", "who sends a message"),
    ("nearby", "who is near"),
    ("app", "any app"),
    ("asking-app", "an app with permissions"),
    ("usb", "a computer at the cable"),
    ("physical", "who holds the phone"),
];

const GUARDS: &[(&str, &str)] = &[
    ("nothing", "no guard"),
    ("normal", "a permission for the asking"),
    ("undeclared", "a permission nobody declares"),
    ("asked", "a permission the user gives"),
    ("user", "the user switches it on"),
    ("secret", "a secret constant"),
    ("system", "another guard"),
];

/// Where columns stand, of 1000.
const COLUMNS: [(f64, &str); 4] = [(0.0, "Who"), (235.0, "by which gate"), (470.0, "past"), (770.0, "to")];
const NODE_WIDTH: f64 = 12.0;
/// Room for a label.
const NODE_MIN: f64 = 13.0;
const GAP: f64 = 8.0;
const TOP: f64 = 24.0;
const PICTURE_HEIGHT: f64 = 420.0;

/// Enough to see what a band is made of.
const NAMED: usize = 10;
const LISTED: usize = 80;
