//! Patterns over paths: `*`, `?` and `[a-z]` within a name, `**` over any number of components, at every nesting.

/// A pattern over artifact paths.
///
/// A path is a list of names joined by `!`, and a name is a list of components joined by `/`. `*`, `?` and `[...]` stay
/// within a component; a component that is `**` (or `…`) stands for any number of components and of nestings. A pattern
/// that starts with `!` or `/` is looked for at any depth, as if it began with `**`.
#[derive(Debug, Clone)]
pub struct Pattern {
    parts: Vec<String>,
}

impl Pattern {
    /// Reads a pattern. Every text is one.
    pub fn new(text: &str) -> Pattern {
        let mut parts = split(text);
        let any_depth = text.starts_with(['!', '/']);
        if any_depth && parts.first().is_none_or(|it| it != "**") {
            parts.insert(0, "**".to_owned());
        }
        for part in &mut parts {
            if part == "…" {
                "**".clone_into(part);
            }
        }
        parts.dedup_by(|a, b| a == "**" && b == "**");
        Pattern { parts }
    }

    /// Whether the pattern covers this path as a whole.
    pub fn matches(&self, path: &str) -> bool {
        run(&self.parts, &split(path)).whole
    }

    /// Whether something inside the artifact of this path could match.
    pub fn may_match_below(&self, path: &str) -> bool {
        run(&self.parts, &split(path)).below
    }
}

/// The components of a path or pattern. An empty one (`a!/b`, `/a`) carries no meaning.
fn split(path: &str) -> Vec<String> {
    path.split(['!', '/']).filter(|it| !it.is_empty()).map(str::to_owned).collect()
}

struct Outcome {
    whole: bool,
    below: bool,
}

/// Runs the pattern over the components as an automaton: `states[n]` says that `n` parts are used up.
fn run(parts: &[String], components: &[String]) -> Outcome {
    let close = |states: &mut [bool]| {
        for (n, part) in parts.iter().enumerate() {
            if states[n] && part == "**" {
                states[n + 1] = true;
            }
        }
    };
    let mut states = vec![false; parts.len() + 1];
    states[0] = true;
    close(&mut states);
    for component in components {
        let mut next = vec![false; states.len()];
        for (n, part) in parts.iter().enumerate().filter(|(n, _)| states[*n]) {
            if part == "**" {
                next[n] = true;
            } else if component_matches(part.as_bytes(), component.as_bytes()) {
                next[n + 1] = true;
            }
        }
        close(&mut next);
        states = next;
    }
    Outcome { whole: states[parts.len()], below: states[..parts.len()].iter().any(|&it| it) }
}

/// Matches one component; the usual two-pointer walk that goes back to the last `*`, so that its time is bounded by the
/// product of the lengths.
fn component_matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if let Some(len) = pattern.get(p..).and_then(|it| one_matches(it, text[t])) {
            p += len;
            t += 1;
        } else if let Some((star_p, star_t)) = star {
            star = Some((star_p, star_t + 1));
            p = star_p + 1;
            t = star_t + 1;
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|&it| it == b'*')
}

/// How long the first item of the pattern is, if it accepts this byte.
fn one_matches(pattern: &[u8], byte: u8) -> Option<usize> {
    match pattern {
        [b'?', ..] => Some(1),
        [b'[', set @ ..] => {
            let end = set.iter().skip(1).position(|&it| it == b']')? + 1;
            let inside = &set[..end];
            let (negated, inside) = match inside {
                [b'^' | b'!', rest @ ..] => (true, rest),
                _ => (false, inside),
            };
            let mut found = false;
            let mut n = 0;
            while n < inside.len() {
                match inside[n..] {
                    [low, b'-', high, ..] => {
                        found |= (low..=high).contains(&byte);
                        n += 3;
                    }
                    [one, ..] => {
                        found |= one == byte;
                        n += 1;
                    }
                    [] => break,
                }
            }
            (found != negated).then_some(end + 2)
        }
        [first, ..] => (*first == byte).then_some(1),
        [] => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_names_and_nestings() {
        let path = "rom.tgz!images/super.img!system_a!/build.prop";
        for pattern in [
            path,
            "rom.tgz!images/*.img!system_[ab]!/build.prop",
            "**/build.prop",
            "!/build.prop",
            "/system_a/build.prop",
            "…!/build.prop",
            "rom.tgz!**!build.p??p",
            "**",
        ] {
            assert!(Pattern::new(pattern).matches(path), "{pattern}");
        }
        for pattern in ["build.prop", "rom.tgz!*!/build.prop", "**/system_[^a]/build.prop", "rom.tgz", ""] {
            assert!(!Pattern::new(pattern).matches(path), "{pattern}");
        }
    }

    #[test]
    fn only_what_may_hold_a_match_is_opened() {
        let pattern = Pattern::new("rom.tgz!images/super.img!system_a!/app/**");
        assert!(pattern.may_match_below("rom.tgz"));
        assert!(pattern.may_match_below("rom.tgz!images/super.img!system_a"));
        assert!(!pattern.may_match_below("rom.tgz!images/boot.img"));
        assert!(!Pattern::new("rom.tgz").may_match_below("rom.tgz"));
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let pattern = format!("{}b", "*a".repeat(1000));
        assert!(!component_matches(pattern.as_bytes(), "a".repeat(4000).as_bytes()));
    }
}
