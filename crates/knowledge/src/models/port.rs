//! Where a value enters or leaves a method: `this`, `arg0`, `args`, `return`, `r0`, and parts of these.

/// A value of a call, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Which value.
    pub base: Base,
    /// Which part of it.
    pub path: Vec<Part>,
}

/// A value of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Base {
    /// The receiver.
    This,
    /// An argument, counted without the receiver.
    Arg(u8),
    /// All arguments.
    Args,
    /// The result.
    Return,
    /// The result of a call that the framework makes.
    Var(u8),
}

/// A part of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Any element, `[*]`.
    Any,
    /// The element whose index or key is that argument, `[arg0]`.
    ByArg(u8),
    /// A new last element, `[+]`.
    Append,
    /// A part by name, `.name`.
    Named(Box<str>),
}

impl Port {
    /// Reads the text form.
    pub fn parse(text: &str) -> Result<Port, String> {
        let end = text.find(['[', '.']).unwrap_or(text.len());
        let (name, mut rest) = text.split_at(end);
        let number = |prefix: &str| name.strip_prefix(prefix).and_then(|it| it.parse::<u8>().ok());
        let base = match name {
            "this" => Base::This,
            "args" => Base::Args,
            "return" => Base::Return,
            _ => match (number("arg"), number("r")) {
                (Some(n), _) => Base::Arg(n),
                (None, Some(n)) => Base::Var(n),
                _ => return Err(format!("no port: {text}")),
            },
        };
        let mut path = Vec::new();
        while !rest.is_empty() {
            if let Some(inner) = rest.strip_prefix('[') {
                let (key, behind) = inner.split_once(']').ok_or_else(|| format!("no port: {text}"))?;
                path.push(match key {
                    "*" => Part::Any,
                    "+" => Part::Append,
                    _ => match key.strip_prefix("arg").and_then(|it| it.parse().ok()) {
                        Some(n) => Part::ByArg(n),
                        None => return Err(format!("no port: {text}")),
                    },
                });
                rest = behind;
            } else {
                let inner = rest.strip_prefix('.').ok_or_else(|| format!("no port: {text}"))?;
                let end = inner.find(['[', '.']).unwrap_or(inner.len());
                let (name, behind) = inner.split_at(end);
                if name.is_empty() {
                    return Err(format!("no port: {text}"));
                }
                path.push(Part::Named(name.into()));
                rest = behind;
            }
        }
        Ok(Port { base, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_a_value_and_a_way_into_it() {
        let port = Port::parse("arg1[*].name[arg0]").unwrap();
        assert_eq!(port.base, Base::Arg(1));
        assert_eq!(port.path, [Part::Any, Part::Named("name".into()), Part::ByArg(0)]);
        assert!(Port::parse("argument").is_err() && Port::parse("this[").is_err() && Port::parse("this.").is_err());
    }
}
