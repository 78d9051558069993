//! Ways from what comes in to what acts on it: followed by value, or at least by calls.

use std::collections::VecDeque;

use model::fact::native::{Gate, Step, Way};

use crate::functions::Functions;
use crate::image::Image;
use crate::library::COMMAND;
use crate::run::{Hop, Seen, name_of};
use crate::value::Mask;

/// All ways of a file, the surest first.
pub fn of(
    image: &Image,
    functions: &Functions,
    calls: &[Vec<usize>],
    seen: &[Option<Seen>],
    gates: &[Gate],
) -> Vec<Way> {
    let file = Telling { image, functions, gates };
    let mut ways: Vec<(u8, Way)> = Vec::new();
    for seen in seen.iter().flatten() {
        for used in &seen.summary.sinks {
            let Some((rank, bit)) = strongest(used.from) else { continue };
            let own = seen.summary.sources.iter().find(|it| !it.0.and(bit).is_none());
            let source = own.map(|it| it.1.as_slice()).unwrap_or_default();
            ways.push((rank, file.way(source_name(bit), used.kind, true, source, &used.hops)));
        }
    }
    if !ways.iter().any(|it| it.1.sink == COMMAND)
        && let Some(way) = by_calls(&file, calls, seen)
    {
        ways.push((u8::MAX, way));
    }
    // One way for each place that acts: the one that comes from farthest.
    let end = |way: &Way| (way.sink.clone(), way.steps.last().map(|it| it.offset));
    let start = |way: &Way| (way.steps.len(), way.steps.first().map(|it| it.offset));
    ways.sort_by_cached_key(|(rank, way)| (end(way), *rank, start(way)));
    ways.dedup_by_key(|it| end(&it.1));
    ways.sort_by_key(|it| (it.0, it.1.sink != COMMAND, it.1.steps.len()));
    ways.into_iter().map(|it| it.1).take(WAYS_MAX).collect()
}

struct Telling<'a> {
    image: &'a Image<'a>,
    functions: &'a Functions,
    gates: &'a [Gate],
}

impl Telling<'_> {
    fn way(&self, source: &str, sink: &str, traced: bool, first: &[Hop], last: &[Hop]) -> Way {
        let steps: Vec<Step> = first.iter().chain(last).map(|it| self.step(it)).collect();
        let gates = self.gates.iter().filter(|it| steps.iter().any(|step| step.offset == it.leads_to));
        Way {
            source: source.to_owned(),
            sink: sink.to_owned(),
            traced,
            gates: gates.take(GATES_MAX).cloned().collect(),
            steps,
        }
    }

    fn step(&self, hop: &Hop) -> Step {
        Step {
            function: self.functions.all.get(hop.function).map_or_else(String::new, name_of),
            offset: self.image.offset(hop.at).unwrap_or(hop.at),
            callee: hop.callee.clone(),
        }
    }
}

/// The place that matters most of where something comes from.
fn strongest(from: Mask) -> Option<(u8, Mask)> {
    let order = [Mask::INTERNET, Mask::SOCKET, Mask::LOCAL, Mask::BINDER, Mask::INPUT];
    order.into_iter().zip(0u8..).find(|it| !it.0.and(from).is_none()).map(|(bit, rank)| (rank, bit))
}

fn source_name(bit: Mask) -> &'static str {
    match bit {
        Mask::INTERNET => "network-input",
        Mask::SOCKET => "socket-input",
        Mask::LOCAL => "local-socket-input",
        Mask::BINDER => "binder-input",
        _ => "input",
    }
}

/// Where no value was followed to a command: the shortest chain of calls from a function that receives from a socket
/// to one that runs a command which is not a constant.
fn by_calls(file: &Telling, calls: &[Vec<usize>], seen: &[Option<Seen>]) -> Option<Way> {
    let command = |n: usize| {
        let sites = seen.get(n)?.as_ref()?.sites.iter();
        sites.filter(|it| is_command(it.name)).find(|it| it.args.first().is_none_or(Option::is_none))
    };
    let received = |n: usize| {
        let sources = &seen.get(n)?.as_ref()?.summary.sources;
        let wanted = Mask::INTERNET.or(Mask::SOCKET);
        sources.iter().find(|it| !it.0.and(wanted).is_none() && it.1.len() == 1)
    };
    let mut best: Option<(usize, usize, Way)> = None;
    for start in 0..seen.len() {
        let Some((from, hops)) = received(start) else { continue };
        let mut came: Vec<Option<usize>> = vec![None; calls.len()];
        let mut queue = VecDeque::from([(start, 0usize)]);
        while let Some((n, depth)) = queue.pop_front() {
            if let Some(site) = command(n) {
                if best.as_ref().is_none_or(|it| (depth, start) < (it.0, it.1)) {
                    let mut chain = vec![Hop { function: n, at: site.at, callee: site.name.to_owned() }];
                    let mut at = n;
                    while let Some(before) = came.get(at).copied().flatten().filter(|_| at != start) {
                        chain.push(call_between(file, before, at));
                        at = before;
                    }
                    chain.reverse();
                    let source = strongest(*from).map_or("input", |it| source_name(it.1));
                    best = Some((depth, start, file.way(source, COMMAND, false, hops, &chain)));
                }
                break;
            }
            if DEPTH_MAX <= depth {
                continue;
            }
            for next in calls.get(n).into_iter().flatten() {
                if *next != start
                    && let Some(slot) = came.get_mut(*next).filter(|it| it.is_none())
                {
                    *slot = Some(n);
                    queue.push_back((*next, depth.saturating_add(1)));
                }
            }
        }
    }
    best.map(|it| it.2)
}

fn call_between(file: &Telling, caller: usize, callee: usize) -> Hop {
    let to = file.functions.all.get(callee);
    let sites = file.functions.all.get(caller).map(|it| it.calls.as_slice()).unwrap_or_default();
    let at = sites.iter().find(|it| to.is_some_and(|to| to.at == it.1 & !1 || to.at == it.1)).map_or(0, |it| it.0);
    Hop { function: caller, at, callee: to.map_or_else(String::new, name_of) }
}

fn is_command(name: &str) -> bool {
    matches!(name, "system" | "popen" | "posix_spawn" | "posix_spawnp") || name.starts_with("exec")
}

/// More ways of one file tell nothing new.
const WAYS_MAX: usize = 32;

/// Comparisons of one way that are told.
const GATES_MAX: usize = 16;

/// Longer chains of calls connect everything with everything.
const DEPTH_MAX: usize = 4;
