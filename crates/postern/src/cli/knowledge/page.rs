//! `docs/cases.md`: every case on one page.

use std::fmt::Write;

use knowledge::{Case, IndicatorKind, Knowledge, Predicate};
use model::Class;

/// The page. Indicators stand as code, so that nobody follows one by accident.
pub fn render(knowledge: &Knowledge) -> String {
    let n = knowledge.cases.iter().count();
    let decidable = knowledge.cases.iter().filter(|it| it.is_decidable()).count();
    let mut text = format!(
        "# Documented cases\n\n\
         Written by `postern knowledge list --markdown` from `crates/knowledge/data/cases/`; a test keeps it in step.\n\n\
         {n} cases, {decidable} of which a phone can confirm; the others say why not. A name is no evidence: a case is told \
         as confirmed where all its conditions hold, or where the hash of a file or a signer's certificate is the very one. \
         An indicator in brackets is no sign by itself.\n"
    );
    for class in Class::ALL {
        let mut cases = knowledge.cases.iter().filter(|it| it.class == *class).peekable();
        if cases.peek().is_some() {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n## {} (`{}`)\n", class.title(), class.id());
        }
        cases.for_each(|it| add(it, &mut text));
    }
    text
}

fn add(case: &Case, text: &mut String) {
    let mut line = |it: String| {
        text.push_str(&it);
        text.push('\n');
    };
    let years: Vec<String> = case.years.iter().map(u16::to_string).collect();
    line(format!("\n### {}\n", case.title));
    line(format!(
        "`{}` · {} · {} · {} · sources: {}\n",
        case.id,
        years.join(", "),
        case.vendor,
        case.devices,
        case.certainty.word()
    ));
    line(case.mechanism.clone());
    if !case.undecided.is_empty() {
        line(format!("\nNot decided by a phone alone: {}.", case.undecided));
    }
    for (title, predicates) in [("Confirmed where", &case.confirms), ("Acquitted where", &case.acquits)] {
        if !predicates.is_empty() {
            let glue = if title.starts_with('C') { ", and " } else { ", or " };
            let words: Vec<String> = predicates.iter().map(Predicate::words).collect();
            line(format!("\n{title} {}.", words.join(glue)));
        }
    }
    let mut first = true;
    for kind in IndicatorKind::ALL {
        let of_kind = case.indicators.iter().filter(|it| it.kind == *kind);
        let values: Vec<String> = of_kind
            .map(|it| if it.weak.is_empty() { format!("`{}`", it.value) } else { format!("(`{}`)", it.value) })
            .collect();
        if !values.is_empty() {
            line(format!("{}- {}: {}", if first { "\n" } else { "" }, kind.word(), values.join(", ")));
            first = false;
        }
    }
    let sources: Vec<String> = case.sources.iter().map(|it| format!("[{}]({})", it.title, it.url)).collect();
    line(format!("\nSources: {}.", sources.join(", ")));
    if !case.cves.is_empty() {
        line(format!("\n{}.", case.cves.join(", ")));
    }
}
