//! Methods that Dalvik runs inside itself: `execute-inline` names them by number (AOSP dalvik/vm/InlineNative.cpp).

use crate::dex::Dex;

/// A method of a dex file that Dalvik knows by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inlined {
    /// Its `method_id`.
    pub idx: u16,
    /// Whether it is static.
    pub is_static: bool,
    /// How many registers it takes.
    pub n_args: u8,
}

/// By number, the methods that this dex file names.
pub(crate) fn methods(dex: &Dex) -> Vec<Option<Inlined>> {
    let mut found = vec![None; METHODS.len()];
    for idx in 0..dex.n_methods() {
        let Some((class, proto, name)) = dex.method(idx) else { continue };
        // What is longer than the longest here is none of these.
        let short = |idx| dex.string_within(idx, NAME_MAX);
        let descriptor = |idx| short(dex.type_string(idx)?);
        let Some(class) = descriptor(class).filter(|it| it.starts_with(b"Ljava/lang/")) else { continue };
        let (Some(name), Some((returns, params))) = (short(name), dex.proto(proto)) else { continue };
        let Some(returns) = descriptor(returns) else { continue };
        let params: Vec<u8> = params.into_iter().filter_map(descriptor).flatten().copied().collect();
        let wanted = |it: &Method| {
            it.class.as_bytes() == class
                && it.name.as_bytes() == name
                && it.params.as_bytes() == params
                && it.returns.as_bytes() == returns
        };
        let Some(number) = METHODS.iter().position(wanted) else { continue };
        let (Some(place), Some(method), Ok(idx)) = (found.get_mut(number), METHODS.get(number), u16::try_from(idx))
        else {
            continue;
        };
        let is_static = method.class != STRING;
        let n_args = match method.params {
            "D" | "J" | "II" => 2u8,
            "" => 0,
            _ => 1,
        };
        *place = Some(Inlined { idx, is_static, n_args: n_args.saturating_add(u8::from(!is_static)) });
    }
    found
}

struct Method {
    class: &'static str,
    name: &'static str,
    params: &'static str,
    returns: &'static str,
}

const fn of(class: &'static str, name: &'static str, params: &'static str, returns: &'static str) -> Method {
    Method { class, name, params, returns }
}

const STRING: &str = "Ljava/lang/String;";
const MATH: &str = "Ljava/lang/Math;";
const STRICT: &str = "Ljava/lang/StrictMath;";
const FLOAT: &str = "Ljava/lang/Float;";
const DOUBLE: &str = "Ljava/lang/Double;";

const NAME_MAX: usize = 64;

/// The table of Android 2.3 to 4.4.
static METHODS: [Method; 29] = [
    // Of the machine's own tests; never called.
    of("Lorg/apache/harmony/dalvik/NativeTestTarget;", "emptyInlineMethod", "", "V"),
    of(STRING, "charAt", "I", "C"),
    of(STRING, "compareTo", "Ljava/lang/String;", "I"),
    of(STRING, "equals", "Ljava/lang/Object;", "Z"),
    of(STRING, "fastIndexOf", "II", "I"),
    of(STRING, "isEmpty", "", "Z"),
    of(STRING, "length", "", "I"),
    of(MATH, "abs", "I", "I"),
    of(MATH, "abs", "J", "J"),
    of(MATH, "abs", "F", "F"),
    of(MATH, "abs", "D", "D"),
    of(MATH, "min", "II", "I"),
    of(MATH, "max", "II", "I"),
    of(MATH, "sqrt", "D", "D"),
    of(MATH, "cos", "D", "D"),
    of(MATH, "sin", "D", "D"),
    of(FLOAT, "floatToIntBits", "F", "I"),
    of(FLOAT, "floatToRawIntBits", "F", "I"),
    of(FLOAT, "intBitsToFloat", "I", "F"),
    of(DOUBLE, "doubleToLongBits", "D", "J"),
    of(DOUBLE, "doubleToRawLongBits", "D", "J"),
    of(DOUBLE, "longBitsToDouble", "J", "D"),
    of(STRICT, "abs", "I", "I"),
    of(STRICT, "abs", "J", "J"),
    of(STRICT, "abs", "F", "F"),
    of(STRICT, "abs", "D", "D"),
    of(STRICT, "min", "II", "I"),
    of(STRICT, "max", "II", "I"),
    of(STRICT, "sqrt", "D", "D"),
];
