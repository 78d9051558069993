//! Objects that a file offers to other programs by Binder.

use std::collections::BTreeSet;

use model::fact::native::Offer;

use crate::functions::Functions;
use crate::image::Image;
use crate::run::{Seen, name_of};
use crate::{Callee, callee_of};

/// Those that functions offer by name, and interfaces of HIDL, whose names stand in what they call.
pub fn of(image: &Image, functions: &Functions, seen: &[Option<Seen>], gaps: &mut Vec<String>) -> Vec<Offer> {
    let offset = |at: u64| image.offset(at).unwrap_or(at);
    let mut offers: Vec<Offer> = Vec::new();
    for (function, seen) in functions.all.iter().zip(seen) {
        let named = seen.iter().flat_map(|it| &it.offers);
        offers.extend(named.map(|(at, name)| Offer {
            offset: offset(*at),
            function: name_of(function),
            name: name.clone(),
            hidl: false,
        }));
        for (at, to) in &function.calls {
            if let Callee::Import(import) = callee_of(image, functions, *to)
                && let Some(name) = image.imports.get(import as usize).and_then(|it| interface_of(it))
            {
                offers.push(Offer { offset: offset(*at), function: name_of(function), name, hidl: true });
            }
        }
    }
    offers.sort();
    let mut told: BTreeSet<(bool, String)> = BTreeSet::new();
    offers.retain(|it| told.insert((it.hidl, it.name.clone())));
    if OFFERS_MAX < offers.len() {
        gaps.push(format!("{} objects that are offered by Binder, of which {OFFERS_MAX} are kept", offers.len()));
        offers.truncate(OFFERS_MAX);
    }
    offers
}

/// `_ZN7android8hardware5power4V1_26IPower17registerAsServiceE…` as `android.hardware.power@1.2::IPower`.
fn interface_of(mangled: &str) -> Option<String> {
    let mut rest = mangled.strip_prefix("_ZN")?;
    let mut parts: Vec<&str> = Vec::new();
    while let Some(end) = rest.find(|it: char| !it.is_ascii_digit()).filter(|it| 0 < *it) {
        let len: usize = rest.get(..end)?.parse().ok()?;
        let stop = end.checked_add(len)?;
        parts.push(rest.get(end..stop)?);
        rest = rest.get(stop..)?;
    }
    let (last, parts) = parts.split_last()?;
    let (interface, parts) = parts.split_last().filter(|_| *last == "registerAsService")?;
    let (version, package) = parts.split_last()?;
    let version = version.strip_prefix('V')?.replace('_', ".");
    Some(format!("{}@{version}::{interface}", package.join(".")))
}

/// The largest daemons offer some twenty.
const OFFERS_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_named_as_its_own_file_names_it() {
        let mangled = "_ZN7android8hardware5power4V1_26IPower17registerAsServiceERKNSt3__112basic_string";
        assert_eq!(interface_of(mangled).as_deref(), Some("android.hardware.power@1.2::IPower"));
        for other in
            ["_ZN7android21defaultServiceManagerEv", "_ZN99999999999999999999a", "_ZN17registerAsServiceE", "", "_ZN9a"]
        {
            assert_eq!(interface_of(other), None, "{other}");
        }
    }
}
