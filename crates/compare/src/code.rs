//! The code of a unit on both sides: which methods are the same whatever they are called, and which do something else.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

/// The start of a SHA-256.
pub type Hash = [u8; 16];

/// All classes of a unit of code.
#[derive(Debug, Default)]
pub struct Code {
    symbols: Vec<Box<str>>,
    ids: FxHashMap<Box<str>, u32>,
    /// The classes.
    pub classes: Vec<Class>,
    /// Methods of which nothing is known, for a bound was reached.
    pub n_unread: u64,
}

/// A class.
#[derive(Debug)]
pub struct Class {
    /// Its descriptor.
    pub name: u32,
    /// What it is beside its methods.
    pub head: Form,
    /// Its methods.
    pub methods: Vec<Method>,
}

/// A method.
#[derive(Debug)]
pub struct Method {
    /// `Lcls;->name(proto)`.
    pub name: u32,
    /// `access_flags`.
    pub flags: u32,
    /// What it does; none where it has no body.
    pub body: Option<Form>,
}

/// A normal form without the program's own names, and these names.
#[derive(Debug, PartialEq, Eq)]
pub struct Form {
    /// The hash of the form.
    pub hash: Hash,
    /// Names by their number: `Lcls;`, `Lcls;->name(proto)`, `Lcls;->name:Ltype;`.
    pub own: Box<[u32]>,
}

/// What differs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Classes with all their methods that only the right side has.
    pub classes_added: Vec<String>,
    /// ... that only the left side has.
    pub classes_removed: Vec<String>,
    /// Classes that are the same under another name: left, right.
    pub classes_renamed: Vec<(String, String)>,
    /// Classes that extend something else, or whose fields begin with something else.
    pub classes_changed: Vec<String>,
    /// Methods of classes of both sides that only the right one has.
    pub added: Vec<String>,
    /// ... that only the left one has.
    pub removed: Vec<String>,
    /// Methods that do something else.
    pub changed: Vec<String>,
    /// Methods that are the same under another name: left, right.
    pub renamed: Vec<(String, String)>,
    /// Methods that both sides have, renamed ones included.
    pub n_same: u64,
    /// All methods of the left side.
    pub n_left: u64,
    /// All methods of the right side.
    pub n_right: u64,
    /// Methods of either side of which nothing is known.
    pub n_unread: u64,
}

impl Changes {
    /// Whether both sides do the same, whatever they call it.
    pub fn is_empty(&self) -> bool {
        let lists = [
            &self.classes_added,
            &self.classes_removed,
            &self.classes_changed,
            &self.added,
            &self.removed,
            &self.changed,
        ];
        lists.iter().all(|it| it.is_empty())
    }
}

impl Code {
    /// The number of a name.
    pub fn symbol(&mut self, text: &str) -> u32 {
        if let Some(id) = self.ids.get(text) {
            return *id;
        }
        let id = self.symbols.len() as u32;
        self.symbols.push(text.into());
        self.ids.insert(text.into(), id);
        id
    }

    fn text(&self, id: u32) -> &str {
        self.symbols.get(id as usize).map_or("", |it| it)
    }

    fn n_methods(&self) -> u64 {
        self.classes.iter().map(|it| it.methods.len() as u64).sum()
    }
}

/// Holds the code of two units beside each other.
///
/// What is called the same is compared. Of what is left, methods of one class, and classes, are held for renamed where
/// exactly one on each side has the form. All that says so must agree in every name that it uses; what does not agree is
/// no rename, and so on until nothing changes any more.
pub fn compare(left: &Code, right: &Code) -> Changes {
    let mut changes = Changes {
        n_left: left.n_methods(),
        n_right: right.n_methods(),
        n_unread: left.n_unread + right.n_unread,
        ..Changes::default()
    };
    let mut beside = Beside { left, right, renames: Renames::default(), candidates: Vec::new() };
    beside.pair_classes(&mut changes);
    beside.settle(&mut changes);
    for list in [
        &mut changes.classes_added,
        &mut changes.classes_removed,
        &mut changes.classes_changed,
        &mut changes.added,
        &mut changes.removed,
        &mut changes.changed,
    ] {
        list.sort_unstable();
        list.dedup();
    }
    changes
}

/// Two units, and what is held for the same.
struct Beside<'a> {
    left: &'a Code,
    right: &'a Code,
    renames: Renames<'a>,
    candidates: Vec<Candidate<'a>>,
}

/// What is held for renamed: left names and their right ones.
#[derive(Default)]
struct Renames<'a> {
    classes: FxHashMap<&'a str, &'a str>,
    methods: FxHashMap<&'a str, &'a str>,
}

/// Two of one form; whether the names in it agree is still to be seen.
struct Candidate<'a> {
    forms: Option<(&'a Form, &'a Form)>,
    what: What,
    left: &'a str,
    right: &'a str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    Class,
    Method,
}

impl<'a> Beside<'a> {
    fn pair_classes(&mut self, changes: &mut Changes) {
        let (left, right) = (self.left, self.right);
        let by_name = |code: &'a Code| -> BTreeMap<&'a str, &'a Class> {
            code.classes.iter().map(|it| (code.text(it.name), it)).collect()
        };
        let (lefts, rights) = (by_name(left), by_name(right));
        let mut only_left: BTreeMap<&str, &Class> = lefts.clone();
        only_left.retain(|name, _| !rights.contains_key(name));
        let mut only_right: BTreeMap<&str, &Class> = rights.clone();
        only_right.retain(|name, _| !lefts.contains_key(name));
        let renamed = unique_pairs(
            only_left.values().filter_map(|it| Some((it.form()?, *it))),
            only_right.values().filter_map(|it| Some((it.form()?, *it))),
        );
        for (l, r) in &renamed {
            let (l, r) = (left.text(l.name), right.text(r.name));
            only_left.remove(l);
            only_right.remove(r);
            self.renames.classes.insert(l, r);
        }
        changes.classes_removed.extend(only_left.keys().map(|it| java_class(it)));
        changes.classes_added.extend(only_right.keys().map(|it| java_class(it)));
        let same_name = lefts.iter().filter_map(|(name, l)| Some((*l, *rights.get(name)?)));
        for (l, r) in renamed.into_iter().chain(same_name) {
            self.pair_methods(l, r, changes);
        }
    }

    /// The methods of a class of both sides.
    fn pair_methods(&mut self, l: &'a Class, r: &'a Class, changes: &mut Changes) {
        let (left, right) = (self.left, self.right);
        let names = (left.text(l.name), right.text(r.name));
        if l.head.hash == r.head.hash {
            self.candidate(What::Class, Some((&l.head, &r.head)), names);
        } else if !is_list_of_resources(names.0) {
            changes.classes_changed.push(java_class(names.0));
        }
        let mut rights: FxHashMap<&str, &Method> =
            r.methods.iter().map(|it| (member(right.text(it.name)), it)).collect();
        let mut only_left = Vec::new();
        for method in &l.methods {
            let title = left.text(method.name);
            let Some(other) = rights.remove(self.renames.of_types(member(title)).as_str()) else {
                only_left.push(method);
                continue;
            };
            let titles = (title, right.text(other.name));
            match (&method.body, &other.body) {
                _ if method.flags != other.flags => changes.changed.push(java_method(titles.1)),
                (None, None) => self.candidate(What::Method, None, titles),
                (Some(l), Some(r)) if l.hash == r.hash => self.candidate(What::Method, Some((l, r)), titles),
                _ => changes.changed.push(java_method(titles.1)),
            }
        }
        let form = |method: &'a Method, member: &str| {
            let body = method.body.as_ref()?;
            let proto = member.find('(').and_then(|it| member.get(it..))?;
            Some(((proto.to_owned(), method.flags, body.hash), method))
        };
        let renamed = unique_pairs(
            only_left.iter().filter_map(|it| form(it, &self.renames.of_types(member(left.text(it.name))))),
            rights.values().filter_map(|it| form(it, member(right.text(it.name)))),
        );
        for (l, r) in renamed {
            let titles = (left.text(l.name), right.text(r.name));
            only_left.retain(|it| it.name != l.name);
            rights.remove(member(titles.1));
            self.renames.methods.insert(titles.0, titles.1);
            let forms = l.body.as_ref().zip(r.body.as_ref());
            self.candidate(What::Method, forms, titles);
        }
        changes.removed.extend(only_left.iter().map(|it| java_method(left.text(it.name))));
        changes.added.extend(rights.values().map(|it| java_method(right.text(it.name))));
    }

    fn candidate(&mut self, what: What, forms: Option<(&'a Form, &'a Form)>, (left, right): (&'a str, &'a str)) {
        self.candidates.push(Candidate { forms, what, left, right });
    }

    /// Drops what does not agree until all that is left does.
    fn settle(&mut self, changes: &mut Changes) {
        for round in 0.. {
            if round == ROUNDS_MAX {
                // What is called otherwise is another, then.
                self.renames = Renames::default();
            }
            let candidates = std::mem::take(&mut self.candidates);
            let mut names = Agreement::of(self);
            let (agreeing, dropped): (Vec<_>, Vec<_>) = candidates.into_iter().partition(|it| names.agree(it));
            self.candidates = agreeing;
            if dropped.is_empty() {
                break;
            }
            for candidate in dropped {
                self.drop(&candidate, changes);
            }
        }
        for candidate in &self.candidates {
            let is_renamed = member(candidate.left) != member(candidate.right);
            match candidate.what {
                What::Class if candidate.left != candidate.right => {
                    changes.classes_renamed.push((java_class(candidate.left), java_class(candidate.right)));
                }
                What::Class => {}
                What::Method => {
                    changes.n_same += 1;
                    if is_renamed && self.renames.methods.contains_key(candidate.left) {
                        changes.renamed.push((java_method(candidate.left), java_method(candidate.right)));
                    }
                }
            }
        }
        changes.classes_renamed.sort_unstable();
        changes.renamed.sort_unstable();
    }

    fn drop(&mut self, candidate: &Candidate, changes: &mut Changes) {
        let (left, right) = (candidate.left, candidate.right);
        match candidate.what {
            What::Class if left == right => changes.classes_changed.push(java_class(left)),
            What::Class => {
                self.renames.classes.remove(left);
                changes.classes_removed.push(java_class(left));
                changes.classes_added.push(java_class(right));
                let is_of = |it: &Candidate| class_part(it.left) == left && it.what == What::Method;
                self.candidates.retain(|it| !is_of(it));
            }
            What::Method if left == right || self.renames.methods.remove(left).is_none() => {
                changes.changed.push(java_method(right));
            }
            What::Method => {
                changes.removed.push(java_method(left));
                changes.added.push(java_method(right));
            }
        }
    }
}

/// Which names of the left side are which of the right one.
struct Agreement<'a, 'b> {
    beside: &'b Beside<'a>,
    /// By number of the left name: the right one; none where nothing is known yet.
    known: Vec<Option<Option<u32>>>,
    /// Fields of renamed classes are held for the same as they come, one for one.
    fields: FxHashMap<u32, u32>,
    taken: FxHashSet<u32>,
}

impl<'a, 'b> Agreement<'a, 'b> {
    fn of(beside: &'b Beside<'a>) -> Agreement<'a, 'b> {
        let known = vec![None; beside.left.symbols.len()];
        Agreement { beside, known, fields: FxHashMap::default(), taken: FxHashSet::default() }
    }

    fn agree(&mut self, candidate: &Candidate) -> bool {
        let renamed = candidate.left != candidate.right;
        let class = (class_part(candidate.left), class_part(candidate.right));
        if class.0 != class.1 && self.beside.renames.classes.get(class.0) != Some(&class.1) {
            return false;
        }
        if renamed && candidate.what == What::Method && !self.is_name(candidate) {
            return false;
        }
        let Some((left, right)) = candidate.forms else { return true };
        left.own.len() == right.own.len() && left.own.iter().zip(&right.own).all(|(l, r)| self.is(*l, *r))
    }

    /// Whether a method of another name, or of a renamed class, is still held for the same.
    fn is_name(&self, candidate: &Candidate) -> bool {
        let renames = &self.beside.renames;
        let moved = renames.of_types(member(candidate.left));
        moved == member(candidate.right) || renames.methods.get(candidate.left) == Some(&candidate.right)
    }

    fn is(&mut self, left: u32, right: u32) -> bool {
        let beside = self.beside;
        let Some(place) = self.known.get_mut(left as usize) else { return false };
        let expected = *place.get_or_insert_with(|| {
            let text = beside.renames.of(beside.left.text(left));
            beside.right.ids.get(text.as_str()).copied()
        });
        if expected == Some(right) {
            return true;
        }
        // A field of a renamed class may have another name, too.
        let (l, r) = (beside.left.text(left), beside.right.text(right));
        let split = |text: &'a str| Some((class_part(text), member(text).rsplit_once(':')?.1));
        let (Some((l_class, l_type)), Some((r_class, r_type))) = (split(l), split(r)) else { return false };
        let is_field = beside.renames.classes.get(l_class) == Some(&r_class)
            && beside.renames.of_types(l_type) == r_type
            && expected.is_none();
        match self.fields.get(&left) {
            Some(known) => *known == right,
            None if is_field && self.taken.insert(right) => {
                self.fields.insert(left, right);
                true
            }
            None => false,
        }
    }
}

impl Renames<'_> {
    /// The right name of a left one.
    fn of(&self, name: &str) -> String {
        if let Some(renamed) = self.methods.get(name) {
            return (*renamed).to_owned();
        }
        self.of_types(name)
    }

    /// The same text with every class in it by its right name.
    fn of_types(&self, text: &str) -> String {
        if self.classes.is_empty() {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find('L') {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let descriptor = from.find(';').map(|end| from.split_at(end + 1));
            match descriptor.and_then(|(it, behind)| Some((self.classes.get(it)?, behind))) {
                Some((renamed, behind)) => {
                    out.push_str(renamed);
                    rest = behind;
                }
                None => {
                    out.push('L');
                    rest = &from[1..];
                }
            }
        }
        out.push_str(rest);
        out
    }
}

impl Class {
    /// What tells a class whatever it is called; none where it has no body to tell it.
    fn form(&self) -> Option<ClassForm> {
        let mut methods: Vec<_> =
            self.methods.iter().map(|it| (it.flags, it.body.as_ref().map(|it| it.hash))).collect();
        methods.sort_unstable();
        methods.iter().any(|it| it.1.is_some()).then_some((self.head.hash, methods))
    }
}

/// The head of a class, and flags and bodies of its methods.
type ClassForm = (Hash, Vec<(u32, Option<Hash>)>);

/// Those of two lists that exactly one of each has.
fn unique_pairs<K: Ord, T>(lefts: impl Iterator<Item = (K, T)>, rights: impl Iterator<Item = (K, T)>) -> Vec<(T, T)> {
    let mut groups: BTreeMap<K, (Vec<T>, Vec<T>)> = BTreeMap::new();
    lefts.for_each(|(key, it)| groups.entry(key).or_default().0.push(it));
    rights.for_each(|(key, it)| groups.entry(key).or_default().1.push(it));
    let pair = |(mut lefts, mut rights): (Vec<T>, Vec<T>)| match (lefts.len(), rights.len()) {
        (1, 1) => lefts.pop().zip(rights.pop()),
        _ => None,
    };
    groups.into_values().filter_map(pair).collect()
}

/// Classes that `aapt` writes hold the numbers of resources, and nothing else.
fn is_list_of_resources(descriptor: &str) -> bool {
    let name = descriptor.rsplit('/').next().unwrap_or_default();
    name == "R;" || name.starts_with("R$")
}

fn class_part(title: &str) -> &str {
    title.split_once("->").map_or(title, |it| it.0)
}

fn member(title: &str) -> &str {
    title.split_once("->").map_or("", |it| it.1)
}

/// `La/b/C;` as `a.b.C`.
pub fn java_class(descriptor: &str) -> String {
    let inner = descriptor.strip_prefix('L').and_then(|it| it.strip_suffix(';'));
    inner.unwrap_or(descriptor).replace('/', ".")
}

/// `La/b/C;->run([La/D;I)V` as `a.b.C.run(D[], int)`.
pub fn java_method(title: &str) -> String {
    let (name, proto) = member(title).split_once('(').unwrap_or((member(title), ""));
    let mut params = Vec::new();
    let mut rest = proto.split_once(')').map_or(proto, |it| it.0);
    while !rest.is_empty() {
        let element = rest.trim_start_matches('[');
        let dimensions = rest.len() - element.len();
        let end = match element.chars().next() {
            Some('L') => element.find(';').map_or(element.len(), |it| it + 1),
            Some(first) => first.len_utf8(),
            None => 0,
        };
        let (ty, behind) = element.split_at(end);
        let word = match ty {
            "Z" => "boolean",
            "B" => "byte",
            "C" => "char",
            "S" => "short",
            "I" => "int",
            "J" => "long",
            "F" => "float",
            "D" => "double",
            _ => ty.trim_end_matches(';').rsplit(['/', 'L']).next().unwrap_or(ty),
        };
        params.push(format!("{word}{}", "[]".repeat(dimensions)));
        rest = behind;
    }
    format!("{}.{name}({})", java_class(class_part(title)), params.join(", "))
}

/// More rounds than renames of real obfuscators need.
const ROUNDS_MAX: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    /// `class super-form: method flags form own names...`, one a line; a form is a word.
    fn code(text: &str) -> Code {
        let mut code = Code::default();
        let hash = |word: &str| {
            let mut hash = Hash::default();
            word.bytes().take(16).enumerate().for_each(|(n, byte)| hash[n] = byte);
            hash
        };
        for line in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let own: Vec<u32> = words[2..].iter().map(|it| code.symbol(it)).collect();
            let form = Form { hash: hash(words[1]), own: own.into() };
            let name = code.symbol(words[0]);
            match words[0].contains("->") {
                true => {
                    let class = code.classes.last_mut().unwrap();
                    let body = (words[1] != "none").then_some(form);
                    class.methods.push(Method { name, flags: 1, body });
                }
                false => code.classes.push(Class { name, head: form, methods: Vec::new() }),
            }
        }
        code
    }

    fn changes(left: &str, right: &str) -> Changes {
        compare(&code(left), &code(right))
    }

    #[test]
    fn the_same_code_has_no_change() {
        let text = "La/A; head\nLa/A;->run()V body La/A;->stop()V\nLa/A;->stop()V none";
        let it = changes(text, text);
        assert!(it.is_empty() && it.renamed.is_empty() && it.classes_renamed.is_empty(), "{it:?}");
        assert_eq!((it.n_same, it.n_left, it.n_right), (2, 2, 2));
    }

    #[test]
    fn another_body_another_callee_and_another_flag_are_changes() {
        let left = "La/A; head\nLa/A;->run()V body La/A;->one()V\nLa/A;->one()V 1\nLa/A;->two()V 2";
        let body = left.replace("body", "other");
        assert_eq!(changes(left, &body).changed, ["a.A.run()"]);
        // The form is the same: only the name of what it calls is not.
        let callee = left.replace("body La/A;->one()V", "body La/A;->two()V");
        assert_eq!(changes(left, &callee).changed, ["a.A.run()"]);
        let head = left.replace("head", "heir");
        assert_eq!(changes(left, &head).classes_changed, ["a.A"]);
        let native = left.replace("->two()V 2", "->two()V none");
        assert_eq!(changes(left, &native).changed, ["a.A.two()"]);
    }

    #[test]
    fn methods_and_classes_that_one_side_has_are_added_and_removed() {
        let left = "La/A; head\nLa/A;->run()V body";
        let right = format!("{left}\nLa/A;->more(I[Lb/C;)V new\nLb/B; head\nLb/B;->run()V other");
        let it = changes(left, &right);
        assert_eq!((it.added, it.classes_added), (vec!["a.A.more(int, C[])".to_owned()], vec!["b.B".to_owned()]));
        let it = changes(&right, left);
        assert_eq!((it.removed.len(), it.classes_removed.len(), it.n_same), (1, 1, 1));
    }

    #[test]
    fn a_renamed_method_is_renamed_and_its_callers_are_the_same() {
        let left = "La/A; head\nLa/A;->run()V body La/A;->help()V\nLa/A;->help()V long";
        let right = left.replace("help", "x");
        let it = changes(left, &right);
        assert!(it.is_empty(), "{it:?}");
        assert_eq!(it.renamed, [("a.A.help()".to_owned(), "a.A.x()".to_owned())]);
        assert_eq!(it.n_same, 2);
    }

    #[test]
    fn a_renamed_class_is_renamed_with_all_that_names_it() {
        let left = "La/A; head\nLa/A;->run(La/Help;)V body La/Help; La/Help;->go(La/Help;)La/Help; La/Help;->f:I
            La/Help; h La/A;\nLa/Help;->go(La/Help;)La/Help; b La/Help;->f:I";
        let right = left.replace("La/Help;->f:I", "La/Help;->z:I").replace("La/Help;", "Lx/a;");
        let it = changes(left, &right);
        assert!(it.is_empty(), "{it:?}");
        assert_eq!(it.classes_renamed, [("a.Help".to_owned(), "x.a".to_owned())]);
        assert_eq!(it.n_same, 2);
    }

    #[test]
    fn what_only_looks_renamed_is_not() {
        // The helper has the same form under another name, and calls something else.
        let left = "La/A; head\nLa/A;->run()V body La/A;->help()V\nLa/A;->help()V long La/A;->one()V
            La/A;->one()V 1\nLa/A;->two()V 2";
        let right = left.replace("help", "x").replace("long La/A;->one()V", "long La/A;->two()V");
        let it = changes(left, &right);
        assert_eq!(it.added, ["a.A.x()"]);
        assert_eq!(it.removed, ["a.A.help()"]);
        assert_eq!(it.changed, ["a.A.run()"], "its callee is another");
        // Bodies that are exchanged are two changes.
        let exchanged = "La/A; head\nLa/A;->one()V 2\nLa/A;->two()V 1";
        assert_eq!(changes("La/A; head\nLa/A;->one()V 1\nLa/A;->two()V 2", exchanged).changed.len(), 2);
        // A field of a renamed class has one name, not two.
        let left = "Lo/O; h\nLo/O;->go()V b Lo/O;->f:I Lo/O;->g:I";
        let right = "Ln/N; h\nLn/N;->go()V b Ln/N;->z:I Ln/N;->z:I";
        let it = changes(left, right);
        assert!(!it.is_empty(), "{it:?}");
    }

    #[test]
    fn numbers_of_resources_in_their_lists_are_no_change() {
        let left = "La/R$id; head\nLa/R$id;-><init>()V b";
        assert!(changes(left, &left.replace("head", "heir")).is_empty());
        assert_eq!(changes(left, &left.replace(" b", " evil")).changed.len(), 1, "code in them is code");
    }

    #[test]
    fn what_is_called_alike_on_both_sides_in_great_number_is_compared_in_time() {
        let class = |n: usize, name: &str| {
            format!("La/{name}{n}; head{n} La/{name}{}; \nLa/{name}{n};->r()V b{n} La/{name}{};->r()V\n", n + 1, n + 1)
        };
        let all = |name: &str| (0..5000).map(|n| class(n, name)).collect::<String>();
        let it = changes(&all("Left"), &all("Right"));
        assert_eq!(it.classes_renamed.len() + it.classes_added.len(), 5000);
    }
}
