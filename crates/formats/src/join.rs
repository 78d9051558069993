//! Puts together what belongs together: the parts of an image that a package holds as several files.
//!
//! Two kinds: a series of numbered parts (`super.img.0`, `system.img_sparsechunk.3`, `super_2.img`), and the block
//! image of an update (`system.new.dat.br` with `system.transfer.list`).

use std::collections::BTreeMap;

use model::{Blob, Extent, Fault, NodeKind, Origin, Store, path_name};

use crate::codec::{Codec, decoder};
use crate::{Child, sparse};

/// What was put together.
pub struct Joined {
    /// The children, with parts replaced by the whole.
    pub children: Vec<Child>,
    /// What could not be put together, and why.
    pub gaps: Vec<String>,
}

/// Replaces parts among the children of one container by what they make together. The whole stands where its first part
/// stood. What does not fit together stays as it is, and a gap says why.
pub fn join(children: Vec<Child>, store: &Store) -> Joined {
    let mut wholes: BTreeMap<Vec<u8>, Whole> = BTreeMap::new();
    for (index, child) in children.iter().enumerate().filter(|(_, it)| it.node.kind == NodeKind::File) {
        if let Some((name, part)) = part_of(&child.name) {
            let whole = wholes.entry(name).or_default();
            match part {
                Part::Numbered(number, style) => whole.series.entry((style, number)).or_insert(index),
                Part::Data(codec) => &mut whole.data.get_or_insert((codec, index)).1,
                Part::TransferList => whole.list.get_or_insert(index),
                Part::Patches => whole.patches.get_or_insert(index),
            };
        }
    }
    let mut joined = Joined { children: Vec::new(), gaps: Vec::new() };
    let mut slots: Vec<Option<Child>> = children.into_iter().map(Some).collect();
    for (name, whole) in wholes {
        for style in [Style::Chunk, Style::Suffix, Style::Infix, Style::Region] {
            let parts: Vec<(u64, usize)> =
                whole.series.iter().filter(|((it, _), _)| *it == style).map(|((_, n), &index)| (*n, index)).collect();
            let blobs: Vec<(u64, Blob)> =
                parts.iter().filter_map(|&(n, index)| Some((n, slots.get(index)?.as_ref()?.blob.clone()))).collect();
            match series(&blobs, style, &mut joined.gaps, &name) {
                Some(blob) => replace(&mut slots, parts.into_iter().map(|it| it.1), &name, blob),
                None => continue,
            }
        }
        block_image(&name, &whole, &mut slots, store, &mut joined.gaps);
    }
    joined.children = slots.into_iter().flatten().collect();
    joined
}

/// The parts of one image: indices of children.
#[derive(Default)]
struct Whole {
    series: BTreeMap<(Style, u64), usize>,
    /// How the new data are packed, and where they are.
    data: Option<(Option<Codec>, usize)>,
    list: Option<usize>,
    patches: Option<usize>,
}

enum Part {
    Numbered(u64, Style),
    /// How it is packed.
    Data(Option<Codec>),
    TransferList,
    Patches,
}

/// How parts are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Style {
    /// `system.img_sparsechunk.0` (Motorola).
    Chunk,
    /// `super.img.0`.
    Suffix,
    /// `super_1.img`. Other images are called so too: only sparse ones belong together.
    Infix,
    /// `super.0.1a2b3c4d.img` (Oppo, Realme): likewise.
    Region,
}

/// What a name says: the whole that the file is a part of, and which part.
fn part_of(name: &[u8]) -> Option<(Vec<u8>, Part)> {
    for (suffix, part) in [
        (&b".transfer.list"[..], Part::TransferList),
        (b".patch.dat", Part::Patches),
        (b".new.dat", Part::Data(None)),
        (b".new.dat.br", Part::Data(Some(Codec::Brotli))),
        (b".new.dat.xz", Part::Data(Some(Codec::Xz))),
        (b".new.dat.lzma", Part::Data(Some(Codec::Lzma))),
    ] {
        if let Some(stem) = name.strip_suffix(suffix) {
            return named(stem, b".img", part);
        }
    }
    let (rest, number) = split_number(name);
    if let Some(number) = number {
        if let Some(stem) = rest.strip_suffix(b"_sparsechunk.").or_else(|| rest.strip_suffix(b"_sparsechunk")) {
            return named(stem, b"", Part::Numbered(number, Style::Chunk));
        }
        return match rest.strip_suffix(b".img.") {
            Some(stem) => named(stem, b".img", Part::Numbered(number, Style::Suffix)),
            None => None,
        };
    }
    let stem = name.strip_suffix(b".img")?;
    if let (rest, Some(number)) = split_number(stem)
        && let Some(stem) = rest.strip_suffix(b"_")
    {
        return named(stem, b".img", Part::Numbered(number, Style::Infix));
    }
    let dot = stem.iter().rposition(|&it| it == b'.')?;
    let (rest, region) = stem.split_at_checked(dot)?;
    if region.len() != 9 || !region.iter().skip(1).all(u8::is_ascii_hexdigit) {
        return None;
    }
    let (rest, number) = split_number(rest);
    named(rest.strip_suffix(b".")?, b".img", Part::Numbered(number?, Style::Region))
}

/// The name of a whole; `None` if nothing but the folder would be left of it.
fn named(stem: &[u8], ending: &[u8], part: Part) -> Option<(Vec<u8>, Part)> {
    (!stem.is_empty() && !stem.ends_with(b"/")).then(|| ([stem, ending].concat(), part))
}

/// A number at the end of a name.
fn split_number(name: &[u8]) -> (&[u8], Option<u64>) {
    let n_digits = name.iter().rev().take_while(|it| it.is_ascii_digit()).count();
    let (rest, digits) = name.split_at_checked(name.len().saturating_sub(n_digits)).unwrap_or((name, b""));
    (rest, std::str::from_utf8(digits).ok().and_then(|it| it.parse().ok()))
}

/// Puts the whole in the place of its first part, and takes the others out.
fn replace(slots: &mut [Option<Child>], parts: impl Iterator<Item = usize>, name: &[u8], blob: Blob) {
    let mut parts: Vec<usize> = parts.collect();
    parts.sort_unstable();
    let mut blob = Some(blob);
    for index in parts {
        let Some(slot) = slots.get_mut(index) else { continue };
        *slot = slot.take().zip(blob.take()).map(|(it, blob)| Child { name: name.to_vec(), blob, node: it.node });
    }
}

/// A series of parts as one image; `None` where they are to stay as they are.
fn series(parts: &[(u64, Blob)], style: Style, gaps: &mut Vec<String>, name: &[u8]) -> Option<Blob> {
    let is_sparse = |blob: &Blob| blob.read_up_to(0, 8).is_ok_and(|it| sparse::is_sparse(&it));
    let n_sparse = parts.iter().filter(|it| is_sparse(&it.1)).count();
    let certain = matches!(style, Style::Chunk | Style::Suffix);
    let name = path_name(name);
    if n_sparse == parts.len() && (2 <= n_sparse || (certain && n_sparse == 1)) {
        return sparse_series(parts, gaps, &name);
    }
    if certain && 2 <= parts.len() && n_sparse <= 1 && parts.first().is_some_and(|it| it.0 <= 1) {
        return plain_series(parts, gaps, &name);
    }
    if certain && n_sparse != 0 {
        gaps.push(format!("{name}: parts are partly sparse, partly not, and were not put together"));
    }
    None
}

/// Parts that are sparse images of the whole, each with some of its data.
fn sparse_series(parts: &[(u64, Blob)], gaps: &mut Vec<String>, name: &str) -> Option<Blob> {
    let mut len = 0;
    let mut extents = Vec::new();
    let mut missing = Vec::new();
    let (mut expected, mut end) = (0, 0);
    for (number, blob) in parts {
        let map = match sparse::map(blob) {
            Ok(map) => map,
            Err(fault) => {
                gaps.push(format!("{name}: part {number}: {fault}"));
                continue;
            }
        };
        if let Some(fault) = &map.fault {
            gaps.push(format!("{name}: part {number}: {fault}"));
        }
        len = map.len.max(len);
        let (data, lost): (Vec<Extent>, Vec<Extent>) =
            map.extents.into_iter().partition(|it| !matches!(it.from, Origin::Missing(_)));
        missing.extend(lost);
        let start = data.first().map_or(end, |it| it.offset);
        // A series may count from 1; that its first part is missing is seen by the data it leaves out.
        let is_first = end == 0 && expected == 0 && *number == 1 && start < FIRST_DATA;
        if expected < *number && !is_first {
            let what = format!("part {expected} of {name} is missing");
            gaps.push(what.clone());
            let len = start.saturating_sub(end);
            missing.push(Extent { offset: end, len, from: Origin::Missing(Fault::Unsupported(what)) });
        }
        expected = number.saturating_add(1);
        end = data.last().map_or(end, |it| it.offset.saturating_add(it.len).max(end));
        if EXTENTS_MAX < extents.len().saturating_add(data.len()) {
            gaps.push(format!("{name}: more than {EXTENTS_MAX} runs of data, not put together"));
            return None;
        }
        extents.extend(data);
    }
    // What one part could not tell, another one may hold: of two that overlap, the later hides the earlier.
    missing.extend(extents);
    Some(Blob::mapped(len, missing))
}

/// Parts that follow each other byte by byte.
fn plain_series(parts: &[(u64, Blob)], gaps: &mut Vec<String>, name: &str) -> Option<Blob> {
    let (first, last) = (parts.first()?.0, parts.last()?.0);
    let size = parts.first()?.1.len();
    let is_complete = last.checked_sub(first)?.checked_add(1)? == u64::try_from(parts.len()).ok()?;
    let is_even = parts.iter().rev().skip(1).all(|it| it.1.len() == size);
    if !is_complete && !is_even {
        gaps.push(format!("{name}: a part between {first} and {last} is missing, and its size is not known"));
        return None;
    }
    let (mut extents, mut offset, mut expected) = (Vec::new(), 0u64, first);
    for (number, blob) in parts {
        if expected < *number {
            let what = format!("part {expected} of {name} is missing");
            gaps.push(what.clone());
            let len = size.checked_mul(number.checked_sub(expected)?).filter(|it| *it <= IMAGE_MAX)?;
            extents.push(Extent { offset, len, from: Origin::Missing(Fault::Unsupported(what)) });
            offset = offset.checked_add(len)?;
        }
        extents.push(Extent { offset, len: blob.len(), from: Origin::Blob(blob.clone(), 0) });
        offset = offset.checked_add(blob.len())?;
        expected = number.checked_add(1)?;
    }
    Some(Blob::mapped(offset, extents))
}

/// The block image of an update, if all its parts are there.
fn block_image(name: &[u8], whole: &Whole, slots: &mut [Option<Child>], store: &Store, gaps: &mut Vec<String>) {
    let shown = path_name(name);
    let blob = |index: usize| slots.get(index).and_then(|it| it.as_ref()).map(|it| it.blob.clone());
    let (list, data) = match (whole.list, whole.data) {
        (None, None) => return,
        (None, Some(_)) => return gaps.push(format!("{shown}: the transfer list is missing")),
        (Some(_), None) => return gaps.push(format!("{shown}: the new data are missing")),
        (Some(list), Some((codec, data))) => match (blob(list), blob(data)) {
            (Some(list), Some(data)) => (list, (codec, data)),
            _ => return,
        },
    };
    let (codec, data) = data;
    let transfer = match list.bytes("transfer list", LIST_MAX).and_then(|it| Transfer::read(&it)) {
        Ok(transfer) => transfer,
        Err(fault) => return gaps.push(format!("{shown}: transfer list: {fault}")),
    };
    if let Some(command) = transfer.difference {
        return gaps.push(format!("{shown}: incremental update: `{command}` needs the version before it"));
    }
    let wanted = transfer.n_new.saturating_mul(BLOCK);
    if codec.is_none() && data.len() != wanted {
        gaps.push(format!("{shown}: the transfer list takes {wanted} bytes of {} new ones", data.len()));
    }
    let data = match codec {
        Some(codec) => store.streamed(wanted, move || Ok(decoder(codec, data.stream()))),
        None => data,
    };
    let mut extents = Vec::new();
    let mut used = 0u64;
    for (content, start, end) in transfer.ranges {
        let (offset, len) = (start.saturating_mul(BLOCK), end.saturating_sub(start).saturating_mul(BLOCK));
        let other = match content {
            Content::New => None,
            Content::Zero => Some(Origin::Fill([0; 4])),
            Content::HashTree => {
                Some(Origin::Missing(Fault::Unsupported("a hash tree that the phone computes".into())))
            }
        };
        if let Some(from) = other {
            extents.push(Extent { offset, len, from });
            continue;
        }
        let have = data.len().saturating_sub(used).min(len);
        extents.push(Extent { offset, len: have, from: Origin::Blob(data.clone(), used) });
        let fault = Fault::Truncated { at: data.len(), wanted: len.saturating_sub(have) };
        let lost = len.saturating_sub(have);
        extents.push(Extent { offset: offset.saturating_add(have), len: lost, from: Origin::Missing(fault) });
        used = used.saturating_add(len);
    }
    let image = Blob::mapped(transfer.n_blocks.saturating_mul(BLOCK), extents);
    let parts = whole.data.map(|it| it.1).into_iter().chain(whole.list).chain(whole.patches);
    replace(slots, parts, name, image);
}

/// A transfer list (AOSP `bootable/recovery/updater/blockimg.cpp`, versions 1 to 4).
struct Transfer {
    /// How many blocks the image has.
    n_blocks: u64,
    /// How many of them come from the new data.
    n_new: u64,
    /// What the blocks hold, the first of them, the first behind them.
    ranges: Vec<(Content, u64, u64)>,
    /// The first command that needs an earlier version.
    difference: Option<&'static str>,
}

#[derive(Clone, Copy)]
enum Content {
    New,
    Zero,
    HashTree,
}

impl Transfer {
    fn read(bytes: &[u8]) -> Result<Transfer, Fault> {
        let mut transfer = Transfer { n_blocks: 0, n_new: 0, ranges: Vec::new(), difference: None };
        let text = std::str::from_utf8(bytes).map_err(|_| Fault::malformed("text", 0))?;
        let mut at = 0u64;
        let mut header = 2;
        for (index, line) in text.split('\n').enumerate() {
            let fault = |what| Fault::malformed(what, at);
            if index == 0 {
                let version: u32 = line.trim().parse().map_err(|_| fault("version"))?;
                // From version 2 on, two lines about the stash follow.
                header = if 2 <= version { 4 } else { 2 };
                if !(1..=4).contains(&version) {
                    return Err(Fault::Unsupported(format!("transfer list version {version}")));
                }
            }
            if header <= index {
                transfer.command(line).map_err(fault)?;
            }
            at = at.saturating_add(u64::try_from(line.len()).unwrap_or(0)).saturating_add(1);
        }
        Ok(transfer)
    }

    /// One line. The error is what is malformed in it.
    fn command(&mut self, line: &str) -> Result<(), &'static str> {
        let mut words = line.split_ascii_whitespace();
        let Some(command) = words.next() else { return Ok(()) };
        let known = ["move", "bsdiff", "imgdiff", "stash", "free"].iter().find(|&&it| it == command);
        if let Some(command) = known {
            self.difference = self.difference.or(Some(command));
            return Ok(());
        }
        let content = match command {
            "new" => Some(Content::New),
            "zero" => Some(Content::Zero),
            "compute_hash_tree" => Some(Content::HashTree),
            "erase" => None,
            _ => return Err("command"),
        };
        let mut numbers = words.next().unwrap_or_default().split(',').map(str::parse::<u64>);
        let mut next = || numbers.next().and_then(Result::ok);
        let count = next().ok_or("number of ranges")?;
        if count % 2 != 0 {
            return Err("number of ranges");
        }
        for _ in 0..count / 2 {
            let (Some(start), Some(end)) = (next(), next()) else { return Err("ranges") };
            let size = end.checked_sub(start).ok_or("range")?;
            if IMAGE_MAX / BLOCK < end {
                return Err("range");
            }
            self.n_blocks = self.n_blocks.max(end);
            if let Some(Content::New) = content {
                self.n_new = self.n_new.saturating_add(size);
            }
            self.ranges.extend(content.map(|it| (it, start, end)));
        }
        if next().is_some() { Err("number of ranges") } else { Ok(()) }
    }
}

/// The block of a block image.
const BLOCK: u64 = 4096;

/// No phone has 16 TiB.
const IMAGE_MAX: u64 = 16 << 40;

/// Lists of full updates have some hundred KiB; this holds half a million ranges.
const LIST_MAX: u64 = 4 << 20;

/// Every image has data near its start: superblock, partition table, LP geometry.
const FIRST_DATA: u64 = 1 << 20;

/// As for one sparse image.
const EXTENTS_MAX: usize = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn child(name: &str, bytes: impl Into<Vec<u8>>) -> Child {
        Child { name: name.into(), blob: Blob::from_bytes(bytes.into()), node: model::Node::file() }
    }

    /// A sparse image of 1 KiB blocks: `None` is a block that is not there.
    fn sparse(blocks: &[Option<u8>]) -> Vec<u8> {
        let n = u32::try_from(blocks.len()).unwrap();
        let mut image = [&0xed26_ff3au32.to_le_bytes()[..], &[1, 0, 0, 0, 28, 0, 12, 0]].concat();
        [1024, n, n, 0u32].iter().for_each(|it| image.extend(it.to_le_bytes()));
        for block in blocks {
            let (kind, size) = if block.is_some() { (0xcac1u32, 12 + 1024u32) } else { (0xcac3, 12) };
            [kind, 1, size].iter().for_each(|it| image.extend(it.to_le_bytes()));
            image.extend(block.map(|it| [it; 1024]).into_iter().flatten());
        }
        image
    }

    /// Name and content of each child (one letter for each KiB, or the fault), then the gaps.
    fn check(children: Vec<Child>, expected: &[&str]) {
        let joined = join(children, &Store::small());
        let mut seen: Vec<String> = joined
            .children
            .iter()
            .map(|it| {
                let bytes = |at| it.blob.read_at(at, 1).map_or("!".into(), |it| path_name(&it));
                let content: String = (0..it.blob.len()).step_by(1024).map(bytes).collect();
                format!("{} {content}", path_name(&it.name))
            })
            .collect();
        seen.extend(joined.gaps);
        assert_eq!(seen, expected);
    }

    #[test]
    fn sparse_parts_make_one_image() {
        let (a, b) = (sparse(&[Some(b'a'), None, None, None]), sparse(&[None, None, Some(b'b'), None]));
        for [first, second] in [
            ["x/super.img.0", "x/super.img.1"],
            ["x/super_1.img", "x/super_2.img"],
            ["x/super.img_sparsechunk.0", "x/super.img_sparsechunk.1"],
            ["x/super.0.1a2b3c4d.img", "x/super.1.99999999.img"],
        ] {
            check(
                vec![child("boot.img", "k"), child(second, b.clone()), child(first, a.clone())],
                &["boot.img k", "x/super.img a%00b%00"],
            );
        }
    }

    #[test]
    fn a_missing_part_is_a_hole_that_cannot_be_read() {
        let (a, d) = (sparse(&[Some(b'a'), None, None, None]), sparse(&[None, None, None, Some(b'd')]));
        check(
            vec![child("super.img.0", a), child("super.img.2", d)],
            &["super.img a!!d", "part 1 of super.img is missing"],
        );
        let parts = [("v.img.00", "aaaa"), ("v.img.02", "cc")];
        check(
            parts.iter().map(|(name, text)| child(name, text.repeat(256))).collect(),
            &["v.img a!c", "part 1 of v.img is missing"],
        );
    }

    #[test]
    fn images_that_only_look_numbered_stay_apart() {
        check(
            vec![child("logo_1.img", "a"), child("logo_2.img", "b"), child("x.img.7", "c")],
            &["logo_1.img a", "logo_2.img b", "x.img.7 c"],
        );
    }

    #[test]
    fn a_sparse_image_cut_into_pieces_is_whole_again() {
        let image = sparse(&[Some(b'a'), Some(b'b')]);
        let (head, tail) = image.split_at(1500);
        let joined = join(vec![child("s.img.0", head), child("s.img.1", tail)], &Store::small());
        assert_eq!(joined.children.len(), 1);
        assert_eq!(joined.children[0].blob.read_at(0, image.len() as u64).unwrap(), image);
    }

    const LIST: &str =
        "4\n3\n0\n0\nerase 2,0,6\nnew 4,1,2,4,5\nzero 2,2,3\nnew 2,0,1\ncompute_hash_tree 2,3,4 2,0,2 sha1 s r\n";

    #[test]
    fn new_data_and_transfer_list_make_an_image() {
        let data: Vec<u8> = [b'a', b'b', b'c'].iter().flat_map(|it| [*it; 4096]).collect();
        let whole = "system.img cccc aaaa 0000 !!!! bbbb 0000".replace(' ', "").replace("img", "img ");
        let whole = whole.replace('0', "%00");
        check(
            vec![
                child("system.transfer.list", LIST),
                child("system.new.dat", data.clone()),
                child("system.patch.dat", ""),
            ],
            &[&whole],
        );
        let packed = include_bytes!("../tests/join/abc.new.dat.br");
        check(vec![child("system.new.dat.br", *packed), child("system.transfer.list", LIST)], &[&whole]);
    }

    #[test]
    fn an_update_that_needs_an_earlier_version_is_a_gap() {
        let list = "4\n1\n0\n0\nbsdiff 0 10 a b 2,0,1 1 2,0,1\nnew 2,0,1\n";
        check(
            vec![child("v.transfer.list", list), child("v.new.dat", "")],
            &["v.transfer.list 4", "v.new.dat ", "v.img: incremental update: `bsdiff` needs the version before it"],
        );
        check(vec![child("w.new.dat.br", "x")], &["w.new.dat.br x", "w.img: the transfer list is missing"]);
    }

    #[test]
    fn a_transfer_list_that_lies_is_a_gap() {
        for list in ["9\n", "4\n0\n0\n0\nnew 2,5,1", "1\n1\nnew 4,0,1", "1\n1\nnew 2,0,99999999999999", "x"] {
            let joined = join(vec![child("v.transfer.list", list), child("v.new.dat", "")], &Store::small());
            assert_eq!((joined.children.len(), joined.gaps.len()), (2, 1), "{list}");
        }
    }
}
