//! Names of code as people write them: a report keeps those of the bytecode, which are exact.

use model::report::FlowStep;

/// Classes and methods in a text, as Java writes them: `Lp/A;->run([BI)V` becomes `p.A.run(byte[], int)`.
pub fn readable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['L', '(']) {
        let (before, name) = rest.split_at(at);
        out.push_str(before);
        if name.starts_with('(') {
            // The descriptor of a method whose class stands before it as Java writes it.
            let (arguments, after) = arguments_of(name).unwrap_or_else(|| ("(".to_owned(), &name[1..]));
            out.push_str(&arguments);
            rest = after;
            continue;
        }
        let inside_word = out.chars().next_back().is_some_and(|it| it.is_alphanumeric() || "/$_".contains(it));
        let Some((class, after)) = (!inside_word).then(|| class_of(name)).flatten() else {
            out.push('L');
            rest = &name[1..];
            continue;
        };
        out.push_str(&class);
        rest = after;
        if let Some(method) = rest.strip_prefix("->")
            && let Some(open) = method.find('(')
        {
            out.push('.');
            out.push_str(&method[..open]);
            rest = &method[open..];
            if let Some((arguments, after)) = arguments_of(rest) {
                out.push_str(&arguments);
                rest = after;
            }
        }
    }
    out + rest
}

/// Where a step is: `p.A.run(byte[])`; empty for one that is no place in the code.
pub fn place(step: &FlowStep) -> String {
    if step.class.is_empty() {
        return String::new();
    }
    let name_len = step.method.find('(').unwrap_or(step.method.len());
    let (name, descriptor) = step.method.split_at(name_len);
    let arguments = arguments_of(descriptor).map_or_else(|| descriptor.to_owned(), |it| it.0);
    format!("{}.{name}{arguments}", step.class)
}

/// `Lp/A;` at the start of a text, and what follows.
fn class_of(text: &str) -> Option<(String, &str)> {
    let text = text.strip_prefix('L')?;
    let end = text.find(|it: char| !it.is_alphanumeric() && !"/$_-".contains(it))?;
    let (name, after) = (&text[..end], text[end..].strip_prefix(';')?);
    let is_name = !name.is_empty() && (name.contains('/') || after.starts_with("->"));
    is_name.then(|| (name.replace('/', "."), after))
}

/// `([BLp/A;)V` as `(byte[], A)`, and what follows the type that is returned.
fn arguments_of(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('(')?;
    let mut arguments = Vec::new();
    while !rest.starts_with(')') {
        let (argument, after) = type_of(rest)?;
        arguments.push(argument);
        rest = after;
    }
    let (_, after) = type_of(&rest[1..])?;
    Some((format!("({})", arguments.join(", ")), after))
}

/// A type at the start of a text, without its package (Dalvik executable format, "TypeDescriptor").
fn type_of(text: &str) -> Option<(String, &str)> {
    let element = text.trim_start_matches('[');
    let dimensions = "[]".repeat(text.len() - element.len());
    let word = match element.chars().next()? {
        'V' => "void",
        'Z' => "boolean",
        'B' => "byte",
        'S' => "short",
        'C' => "char",
        'I' => "int",
        'J' => "long",
        'F' => "float",
        'D' => "double",
        'L' => {
            let (name, after) = element[1..].split_once(';')?;
            let simple = name.rsplit('/').next().unwrap_or(name);
            return Some((simple.to_owned() + &dimensions, after));
        }
        _ => return None,
    };
    Some((word.to_owned() + &dimensions, &element[1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_written_as_java_writes_them() {
        let exec = "Ljava/lang/Runtime;->exec([Ljava/lang/String;I)Ljava/lang/Process;";
        assert_eq!(readable(exec), "java.lang.Runtime.exec(String[], int)");
        assert_eq!(readable("lies in static Lp/A;.map[\"L;\"]"), "lies in static p.A.map[\"L;\"]");
        assert_eq!(readable("La;-><init>()V passes it on"), "a.<init>() passes it on");
        assert_eq!(readable("p.A.run(Lp/A;Lq/B;)V: Lp/A;->go()V"), "p.A.run(A, B): p.A.go()");
        assert_eq!(readable("what is sent (see below) to L"), "what is sent (see below) to L");
    }

    #[test]
    fn what_is_no_name_of_code_stays_as_it_is() {
        for text in ["", "L", "Lp/A", "Lists; of them", "URL/x;", "Lp/A;->run(", "a path/Lib/x;"] {
            assert!(readable(text).len() <= text.len());
        }
        assert_eq!(readable("Lists; of them"), "Lists; of them");
        assert_eq!(readable("URL/x;"), "URL/x;");
        assert_eq!(readable("Lp/A;->run(Q)V"), "p.A.run(Q)V");
        assert_eq!(readable("Lp/A;->run"), "p.A->run");
    }

    #[test]
    fn a_step_that_is_no_place_has_none() {
        let step = |class: &str, method: &str| FlowStep {
            path: String::new(),
            class: class.to_owned(),
            method: method.to_owned(),
            offset: 0,
            what: String::new(),
        };
        assert_eq!(place(&step("", "")), "");
        assert_eq!(place(&step("p.A$1", "run([J)V")), "p.A$1.run(long[])");
        assert_eq!(place(&step("p.A", "odd")), "p.A.odd");
    }
}
