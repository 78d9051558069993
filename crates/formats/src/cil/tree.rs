//! Lists and words of CIL files, all in one place.
//!
//! Invariant: nodes stand in the order of the text; what a list holds stands directly behind it, up to its end.

use model::Fault;

/// What was written, of one file or of several.
#[derive(Debug, Default)]
pub struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

#[derive(Debug, Clone, Copy)]
enum Node<'a> {
    /// A word, or what stands in quotes.
    Atom(&'a str),
    /// A list, with the node behind it.
    List(usize),
}

impl<'a> Tree<'a> {
    /// Reads a file; its lists stand behind those that are there. Those that were closed before a fault stay.
    ///
    /// # Errors
    /// A parenthesis too much or too few, lists too deep in each other, or too many words in all.
    pub fn read(&mut self, text: &'a str) -> Result<(), Fault> {
        let start = self.nodes.len();
        let mut open: Vec<usize> = Vec::new();
        // Where the last list of the file's own level ends.
        let mut whole = start;
        let result = self.read_all(text, &mut open, &mut whole);
        if result.is_err() || !open.is_empty() {
            self.nodes.truncate(whole);
        }
        result?;
        if open.is_empty() { Ok(()) } else { Err(Fault::malformed("open parenthesis", text.len() as u64)) }
    }

    fn read_all(&mut self, text: &'a str, open: &mut Vec<usize>, whole: &mut usize) -> Result<(), Fault> {
        let bytes = text.as_bytes();
        let mut at = 0usize;
        while let Some(&byte) = bytes.get(at) {
            let rest = bytes.get(at..).unwrap_or_default();
            let mut len = 1;
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => {}
                b';' => len = rest.iter().position(|&it| it == b'\n').unwrap_or(rest.len()),
                b'(' => {
                    if DEPTH_MAX <= open.len() {
                        return Err(Fault::Unsupported(format!("lists more than {DEPTH_MAX} deep in each other")));
                    }
                    open.push(self.nodes.len());
                    self.nodes.push(Node::List(usize::MAX));
                }
                b')' => {
                    let first = open.pop().ok_or(Fault::malformed("closing parenthesis", at as u64))?;
                    let end = self.nodes.len();
                    if let Some(node) = self.nodes.get_mut(first) {
                        *node = Node::List(end);
                    }
                    if open.is_empty() {
                        *whole = end;
                    }
                }
                _ => {
                    if open.is_empty() {
                        return Err(Fault::malformed("statement", at as u64));
                    }
                    len = super::atom_len(rest);
                    if ATOM_MAX < len {
                        return Err(Fault::malformed("word", at as u64));
                    }
                    let atom = text.get(at..at.saturating_add(len).min(text.len())).unwrap_or_default();
                    self.nodes.push(Node::Atom(atom.trim_matches('"')));
                }
            }
            if NODES_MAX < self.nodes.len() {
                return Err(Fault::Unsupported(format!("more than {NODES_MAX} words")));
            }
            at = at.saturating_add(len);
        }
        Ok(())
    }

    /// The lists of the files' own level.
    pub fn top(&self) -> Items<'_, 'a> {
        Items { tree: self, at: 0, end: self.nodes.len() }
    }

    /// What a list holds; nothing of a word.
    pub fn items(&self, node: usize) -> Items<'_, 'a> {
        match self.nodes.get(node) {
            Some(Node::List(end)) => Items { tree: self, at: node.saturating_add(1), end: *end },
            _ => Items { tree: self, at: 0, end: 0 },
        }
    }

    /// All nodes of a list, however deep, or the word itself.
    pub fn within(&self, node: usize) -> std::ops::Range<usize> {
        match self.nodes.get(node) {
            Some(Node::List(end)) => node..*end,
            _ => node..node.saturating_add(1),
        }
    }

    /// A word.
    pub fn atom(&self, node: usize) -> Option<&'a str> {
        match self.nodes.get(node) {
            Some(Node::Atom(text)) => Some(text),
            _ => None,
        }
    }

    /// The first word of a list, and the rest of it.
    pub fn statement(&self, node: usize) -> Option<(&'a str, Items<'_, 'a>)> {
        let mut items = self.items(node);
        let keyword = self.atom(items.next()?)?;
        Some((keyword, items))
    }
}

/// Nodes that stand side by side.
#[derive(Clone)]
pub struct Items<'t, 'a> {
    tree: &'t Tree<'a>,
    at: usize,
    end: usize,
}

impl Iterator for Items<'_, '_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let at = Some(self.at).filter(|it| *it < self.end)?;
        self.at = match self.tree.nodes.get(at) {
            Some(Node::List(end)) => (*end).max(at.saturating_add(1)),
            _ => at.saturating_add(1),
        };
        Some(at)
    }
}

/// Shipped files go 8 deep.
const DEPTH_MAX: usize = 64;

/// The longest is a path, `PATH_MAX`.
const ATOM_MAX: usize = 4096;

/// The files of a phone hold some 700,000 words; six times that, 100 MiB.
const NODES_MAX: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> (Vec<String>, bool) {
        let mut tree = Tree::default();
        let is_whole = tree.read(text).is_ok();
        let words = |it: usize| tree.items(it).map(|it| tree.atom(it).unwrap_or("()").to_owned()).collect::<Vec<_>>();
        (tree.top().map(|it| words(it).join(" ")).collect(), is_whole)
    }

    #[test]
    fn lists_are_read_with_their_words() {
        let text = "(allow a b (file (read)))\n; no (statement\n(genfscon proc \"/a b\" ())";
        assert_eq!(shown(text), (vec!["allow a b ()".to_owned(), "genfscon proc /a b ()".to_owned()], true));
    }

    #[test]
    fn what_was_closed_before_a_fault_stays() {
        assert_eq!(shown("(type a)(type b))(type c)"), (vec!["type a".to_owned(), "type b".to_owned()], false));
        assert_eq!(shown("(type a)(type"), (vec!["type a".to_owned()], false));
        assert_eq!(shown("(type a) b"), (vec!["type a".to_owned()], false));
        assert_eq!(shown(&format!("(type a){}", "(".repeat(100_000))), (vec!["type a".to_owned()], false));
    }
}
