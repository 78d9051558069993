//! Every rendering of a report with every feature, and of one with nothing.

mod made;

use model::Report;
use model::report::{AppLine, WayLine};
use report::{RENDERERS, Style};

const PLAIN: Style = Style { colour: false, width: 80, verbose: false };

fn rendered(id: &str, report: &Report, style: Style) -> String {
    let mut out = Vec::new();
    (report::renderer(id).unwrap().render)(report, &style, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn terminal_text_is_golden() {
    insta::assert_snapshot!("terminal", rendered("terminal", &made::full(), PLAIN));
    insta::assert_snapshot!("terminal_narrow", rendered("terminal", &made::full(), Style { width: 44, ..PLAIN }));
    insta::assert_snapshot!(
        "terminal_verbose",
        rendered("terminal", &made::full(), Style { verbose: true, width: 110, ..PLAIN })
    );
    insta::assert_snapshot!("terminal_empty", rendered("terminal", &made::empty(), PLAIN));
    insta::assert_snapshot!("terminal_compared", rendered("terminal", &made::compared(), PLAIN));
}

#[test]
fn files_are_golden() {
    let style = include_str!("../src/html/style.css");
    for (name, report) in [("full", made::full()), ("empty", made::empty()), ("compared", made::compared())] {
        for id in ["html", "json", "sarif", "sbom", "stix"] {
            insta::assert_snapshot!(
                format!("{id}_{name}"),
                rendered(id, &report, PLAIN).replace(style, "/* style.css */\n")
            );
        }
    }
}

fn parsed(id: &str, report: &Report) -> serde_json::Value {
    serde_json::from_str(&rendered(id, report, PLAIN)).unwrap()
}

#[test]
fn every_reference_of_a_bill_is_of_one_of_its_components() {
    let bill = parsed("sbom", &made::full());
    let components = bill["components"].as_array().unwrap();
    let mut refs: Vec<&str> = components.iter().map(|it| it["bom-ref"].as_str().unwrap()).collect();
    let n = refs.len();
    refs.sort_unstable();
    refs.dedup();
    assert_eq!(refs.len(), n, "references are unique");
    // The phone has all but what only apps carry along.
    let lists = bill["dependencies"].as_array().unwrap().iter().flat_map(|it| it["dependsOn"].as_array().unwrap());
    let depends: std::collections::BTreeSet<&str> = lists.map(|it| it.as_str().unwrap()).collect();
    assert_eq!(depends.into_iter().collect::<Vec<_>>(), refs);
    assert!(bill["dependencies"][0]["dependsOn"].as_array().unwrap().iter().all(|it| it != "kit-0"));
    assert_eq!(components.iter().filter(|it| it["type"] == "application").count(), 14 + made::full().daemons.len());
}

#[test]
fn every_reference_of_a_bundle_is_of_one_of_its_objects_and_no_id_stands_twice() {
    let report = made::full();
    let bundle = parsed("stix", &report);
    let objects = bundle["objects"].as_array().unwrap();
    let ids: std::collections::BTreeSet<&str> = objects.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), objects.len());
    for object in objects {
        let kind = object["type"].as_str().unwrap();
        assert!(object["id"].as_str().unwrap().starts_with(&format!("{kind}--")));
        let refs = object["object_refs"].as_array().into_iter().flatten().chain(object.get("created_by_ref"));
        refs.for_each(|it| assert!(ids.contains(it.as_str().unwrap()), "{it}"));
    }
    let rows = report.findings.len() + report.capabilities.len() + report.privacy.len();
    assert_eq!(objects.iter().filter(|it| it["type"] == "note").count(), rows);
}

#[test]
fn no_rendering_writes_what_acts_on_the_reader() {
    let deceptive = |it: char| {
        it != '\n'
            && (it.is_control()
                || ('\u{202a}'..='\u{202e}').contains(&it)
                || ('\u{2066}'..='\u{2069}').contains(&it)
                || "\u{200e}\u{200f}\u{200b}\u{feff}".contains(it))
    };
    for renderer in RENDERERS {
        for (verbose, report) in [false, true].into_iter().flat_map(|it| [(it, made::full()), (it, made::compared())]) {
            let text = rendered(renderer.id, &report, Style { verbose, ..PLAIN });
            assert_eq!(text.find(deceptive), None, "{}", renderer.id);
            assert!(text.ends_with('\n'), "{}", renderer.id);
        }
    }
}

#[test]
fn colours_are_the_only_terminal_codes() {
    let plain = rendered("terminal", &made::full(), PLAIN);
    let colour = rendered("terminal", &made::full(), Style { colour: true, ..PLAIN });
    let mut stripped = String::new();
    let mut pieces = colour.split("\u{1b}[");
    stripped.push_str(pieces.next().unwrap());
    for piece in pieces {
        let (code, text) = piece.split_once('m').unwrap();
        assert!(["0", "1", "2", "31", "33", "35", "36", "1;31"].contains(&code), "{code:?}");
        stripped.push_str(text);
    }
    assert_eq!(stripped, plain);
}

#[test]
fn no_line_but_a_command_is_wider_than_the_terminal() {
    use unicode_width::UnicodeWidthStr;
    for width in [40, 44, 60, 80, 100] {
        for report in [made::full(), made::compared()] {
            for line in rendered("terminal", &report, Style { width, verbose: true, colour: false }).lines() {
                let is_command = line.trim_start().starts_with("$ postern") || line.starts_with("  command");
                assert!(is_command || line.width() <= width, "{width}: {line}");
                assert_eq!(line, line.trim_end(), "no space at the end");
            }
        }
    }
}

#[test]
fn every_report_names_what_an_image_can_never_show() {
    for report in [made::full(), made::empty()] {
        for id in ["terminal", "html"] {
            let text = rendered(id, &report, PLAIN);
            for what in ["boot ROM", "baseband behaviour", "TEE", "hardware", "side"] {
                assert!(text.contains(what), "{id}: {what}");
            }
        }
    }
}

#[test]
fn html_carries_every_finding_and_every_gap() {
    let report = made::full();
    let html = rendered("html", &report, PLAIN);
    for row in report.findings.iter().chain(&report.capabilities).chain(&report.privacy) {
        for text in [&row.id, &row.title, &row.claim, &row.benign, &row.action, &row.subject] {
            assert!(html.contains(&escaped(text)), "{text:?}");
        }
        for line in &row.evidence {
            assert!(html.contains(&escaped(&line.path)) && html.contains(&escaped(&line.detail)), "{line:?}");
        }
        for step in &row.flow {
            assert!(html.contains(&escaped(&step.class)) && html.contains(&escaped(&step.what)), "{step:?}");
        }
    }
    for gap in &report.gaps {
        assert!(html.contains(&escaped(&gap.path)) && html.contains(&escaped(&gap.why)), "{gap:?}");
    }
    for app in &report.apps {
        assert!(html.contains(&escaped(&app.package)) && html.contains(&escaped(&app.signer)), "{app:?}");
    }
}

#[test]
fn the_picture_shows_every_app_every_daemon_and_every_finding() {
    let report = made::full();
    let html = rendered("html", &report, PLAIN);
    let picture = html.split_once("<div class=\"phone\">").unwrap().1.split_once("<ul class=\"legend\">").unwrap().0;
    for n in 1..=report.findings.len() {
        assert!(picture.contains(&format!("<a href=\"#f{n}\">")), "finding {n}");
    }
    assert!(picture.contains("<a href=\"#c1\">") && picture.contains("<a href=\"#p1\">"));
    for name in report.apps.iter().map(|it| &it.package).chain(report.daemons.iter().map(|it| &it.name)) {
        assert!(picture.contains(&format!("<title>{}", escaped(name))), "{name:?}");
    }
}

#[test]
fn the_graph_of_four_hundred_apps_is_as_large_as_that_of_three_and_no_label_lies_on_another() {
    let mut report = made::full();
    let (ways, app) = (report.surface.ways.clone(), report.apps[0].clone());
    report.apps = (0..400).map(|n| AppLine { package: format!("com.made.app{n}"), ..app.clone() }).collect();
    report.surface.ways = (0..2_000)
        .map(|n| {
            let way = &ways[n % ways.len()];
            WayLine { owner: format!("com.made.app{}", n % 400), gate: format!("com.made.Gate{n}"), ..way.clone() }
        })
        .collect();
    let html = rendered("html", &report, PLAIN);
    assert!(html.len() < 1 << 20, "{} bytes", html.len());
    let graph = html.split_once("<figure class=\"gates\">").unwrap().1.split_once("</figure>").unwrap().0;
    let few = rendered("html", &made::full(), PLAIN);
    let few = few.split_once("<figure class=\"gates\">").unwrap().1.split_once("</figure>").unwrap().0;
    let n_nodes = |text: &str| text.matches("<rect").count();
    assert_eq!(n_nodes(graph), n_nodes(few));
    // Labels of one column stand at one x; between two of them a line of text has room.
    let mut labels: Vec<(String, f64)> = graph
        .split("<text x=\"")
        .skip(1)
        .map(|it| {
            let (x, rest) = it.split_once("\" y=\"").unwrap();
            (x.to_owned(), rest.split_once('"').unwrap().0.parse().unwrap())
        })
        .collect();
    labels.sort_by(|a, b| a.partial_cmp(b).unwrap());
    for pair in labels.windows(2).filter(|it| it[0].0 == it[1].0) {
        assert!(12.0 <= pair[1].1 - pair[0].1, "{pair:?}");
    }
}

/// The escaping that is expected, written a second time and plainly.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let mut marks = 0;
    for char in text.chars() {
        let mark = ('\u{300}'..='\u{36f}').contains(&char);
        marks = if mark { marks + 1 } else { 0 };
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ if char.is_ascii() && !char.is_ascii_control() || mark && marks <= 3 => escaped.push(char),
            _ => escaped.push_str(&format!("\\u{{{:x}}}", u32::from(char))),
        }
    }
    escaped
}

/// Tags of our own HTML: in it `<` and `>` stand around tags only.
fn tags(html: &str) -> Vec<&str> {
    let body = html.split_once("</style>").unwrap().1;
    body.split('<').skip(1).map(|it| it.split_once('>').unwrap().0).collect()
}

#[test]
fn html_runs_nothing_and_loads_nothing() {
    for report in [made::full(), made::compared()] {
        runs_nothing_and_loads_nothing(&rendered("html", &report, PLAIN));
    }
}

fn runs_nothing_and_loads_nothing(html: &str) {
    assert!(html.contains("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:;"));
    assert!(
        !html.contains("<script") && !html.contains("href=\"http") && !html.contains("<img") && !html.contains("url(")
    );
    assert_eq!(html.matches("</style>").count(), 1);
    for tag in tags(html) {
        let mut rest = tag;
        // Names of attributes: what stands before `="`; values hold no quote.
        while let Some((before, after)) = rest.split_once("=\"") {
            let name = before.rsplit(' ').next().unwrap();
            let (value, after) = after.split_once('"').unwrap();
            assert!(!name.starts_with("on") && !["src", "srcset", "action", "style"].contains(&name), "{tag}");
            assert!(name != "href" || value.starts_with('#'), "{tag}");
            rest = after;
        }
    }
}

#[test]
fn a_comparison_has_its_differences_side_by_side_and_each_of_them() {
    let report = made::compared();
    let html = rendered("html", &report, PLAIN);
    assert_eq!(html.matches("<dl class=\"sides\">").count(), report.differences.len());
    assert_eq!(html.matches("<dt>shop.zip</dt>").count(), report.differences.len(), "sides are called by their names");
    for it in &report.differences {
        for text in [&it.what, &it.left, &it.right, &it.device_path].into_iter().chain(&it.brings) {
            assert!(html.contains(&escaped(text)), "{text:?}");
        }
    }
    for section in ["id=\"findings\"", "id=\"glance\"", "id=\"control\"", "id=\"privacy\""] {
        assert!(!html.contains(section), "{section}: a comparison says nothing about that");
    }
}

#[test]
fn every_anchor_is_there_once() {
    for report in [made::full(), made::compared()] {
        anchors_are_there_once(&rendered("html", &report, PLAIN));
    }
}

fn anchors_are_there_once(html: &str) {
    let values = |name: &str| -> Vec<String> {
        let start = format!(" {name}=\"");
        html.split(&start).skip(1).map(|it| it.split_once('"').unwrap().0.to_owned()).collect()
    };
    let ids = values("id");
    for href in values("href") {
        assert_eq!(ids.iter().filter(|it| **it == href[1..]).count(), 1, "{href}");
    }
}

#[test]
fn html_is_well_nested() {
    for report in [made::full(), made::empty(), made::compared()] {
        let html = rendered("html", &report, PLAIN);
        // Opened in front of what `tags` looks at.
        let mut open = vec!["html", "head"];
        for tag in tags(&html) {
            let name = tag.split([' ', '/']).find(|it| !it.is_empty()).unwrap();
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "before </{name}>");
            } else if !tag.ends_with('/') && !["br", "meta"].contains(&name) {
                open.push(name);
            }
        }
        assert!(open.is_empty(), "{open:?}");
    }
}

#[test]
fn a_report_with_ten_thousand_gaps_and_apps_is_rendered_in_bounded_size() {
    let mut report = made::full();
    report.gaps = (0..10_000)
        .map(|n| model::report::GapLine { path: format!("a!{n}"), why: "unread".to_owned(), count: 1 })
        .collect();
    let app = report.apps[0].clone();
    report.apps = (0..10_000)
        .map(|n| model::report::AppLine { device_path: format!("/system/app/{n}/{n}.apk"), ..app.clone() })
        .collect();
    assert!(rendered("terminal", &report, PLAIN).len() < 60_000);
    assert!(rendered("html", &report, PLAIN).len() < 8_000_000);
}
