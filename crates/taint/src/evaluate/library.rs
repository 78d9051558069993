//! What a decoder uses of Java's and Android's library: text, arrays, Base64, ciphers.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use dalvik::MethodRef;

use super::{Object, Run, Value};

impl Run<'_> {
    /// Calls a method of the library: the receiver comes first, where there is one.
    pub(super) fn library(&mut self, method: &MethodRef, args: &[Value]) -> Option<Value> {
        let names = &self.program.names;
        let (class, name, proto) = (names.text(method.class), names.text(method.name), names.text(method.proto));
        match class {
            "Ljava/lang/String;" => self.string(name, proto, args),
            "Ljava/lang/StringBuilder;" | "Ljava/lang/StringBuffer;" => self.builder(name, proto, args),
            "Ljava/lang/Integer;" | "Ljava/lang/Byte;" | "Ljava/lang/Long;" | "Ljava/lang/Short;" => {
                self.parse(name, proto, args)
            }
            "Ljava/lang/Character;" => self.character(name, proto, args),
            "Ljava/lang/Math;" => {
                let (left, right) = (number(*args.first()?)?, args.get(1).and_then(|it| number(*it)));
                Some(Value::Number(match (name, proto) {
                    ("min", "(II)I") => left.min(right?),
                    ("max", "(II)I") => left.max(right?),
                    ("abs", "(I)I") => i64::from((left as i32).wrapping_abs()),
                    _ => return None,
                }))
            }
            "Ljava/lang/System;" if name == "arraycopy" => self.copy(args),
            "Landroid/util/Base64;" if name == "decode" => {
                let text = self.bytes_or_text(*args.first()?)?;
                let url = number(*args.get(1)?)? & URL_SAFE != 0;
                self.decode(&text, url)
            }
            "Ljava/util/Base64;" if name == "getDecoder" => self.make(Object::Decoder),
            "Ljava/util/Base64$Decoder;" if name == "decode" => {
                let text = self.bytes_or_text(*args.get(1)?)?;
                self.decode(&text, false)
            }
            "Ljavax/crypto/spec/SecretKeySpec;" | "Ljavax/crypto/spec/IvParameterSpec;" if name == "<init>" => {
                let bytes = self.bytes(*args.get(1)?)?;
                // Of a key that takes a part of an array, which part.
                let bytes = match proto {
                    "([BLjava/lang/String;)V" | "([B)V" => bytes,
                    _ => return None,
                };
                *self.object_mut(*args.first()?)? = Object::Secret(bytes);
                Some(Value::Null)
            }
            "Ljavax/crypto/Cipher;" => self.cipher(name, proto, args),
            "Ljava/lang/Object;" if name == "<init>" => Some(Value::Null),
            _ => None,
        }
    }

    fn string(&mut self, name: &str, proto: &str, args: &[Value]) -> Option<Value> {
        if name == "<init>" {
            let text = match proto {
                "([C)V" => self.units(*args.get(1)?)?,
                "([CII)V" => part(&self.units(*args.get(1)?)?, args.get(2), args.get(3))?,
                "([B)V" => utf8(&self.bytes(*args.get(1)?)?),
                "([BII)V" => utf8(&part(&self.bytes(*args.get(1)?)?, args.get(2), args.get(3))?),
                "([BLjava/lang/String;)V" => {
                    let bytes = self.bytes(*args.get(1)?)?;
                    self.decoded(&bytes, *args.get(2)?)?
                }
                "(Ljava/lang/String;)V" => self.text(*args.get(1)?)?.to_vec(),
                "()V" => Vec::new(),
                _ => return None,
            };
            *self.object_mut(*args.first()?)? = Object::Text(text);
            return Some(Value::Null);
        }
        let first = *args.first()?;
        match (name, proto) {
            ("valueOf" | "copyValueOf", "([C)Ljava/lang/String;") => {
                let text = self.units(first)?;
                return self.make_text(text);
            }
            ("valueOf", "(C)Ljava/lang/String;") => return self.make_text(vec![number(first)? as u16]),
            ("valueOf", "(I)Ljava/lang/String;") => return self.make_text(units_of(&number(first)?.to_string())),
            _ => {}
        }
        let text = self.text(first)?.to_vec();
        let at = |n: usize| args.get(n).and_then(|it| number(*it)).and_then(|it| usize::try_from(it).ok());
        match (name, proto) {
            ("length", _) => Some(Value::Number(text.len() as i64)),
            ("isEmpty", _) => Some(Value::Number(i64::from(text.is_empty()))),
            ("charAt", _) => Some(Value::Number(i64::from(*text.get(at(1)?)?))),
            ("toCharArray", _) => self.make(Object::Numbers(b'C', text.iter().map(|it| i64::from(*it)).collect())),
            ("getBytes", "()[B") => self.make_bytes(String::from_utf16(&text).ok()?.as_bytes()),
            ("getBytes", "(Ljava/lang/String;)[B") => {
                let charset = String::from_utf16(self.text(*args.get(1)?)?).ok()?.to_ascii_lowercase();
                match charset.as_str() {
                    "utf-8" | "utf8" | "us-ascii" => self.make_bytes(String::from_utf16(&text).ok()?.as_bytes()),
                    _ => None,
                }
            }
            ("substring", "(I)Ljava/lang/String;") => {
                let rest = text.get(at(1)?..)?.to_vec();
                self.make_text(rest)
            }
            ("substring", _) => {
                let rest = text.get(at(1)?..at(2)?)?.to_vec();
                self.make_text(rest)
            }
            ("concat", _) => {
                let whole = [text.as_slice(), self.text(*args.get(1)?)?].concat();
                self.make_text(whole)
            }
            ("replace", "(CC)Ljava/lang/String;") => {
                let (from, to) = (at(1)? as u16, at(2)? as u16);
                self.make_text(text.into_iter().map(|it| if it == from { to } else { it }).collect())
            }
            ("replace", _) => {
                let whole = String::from_utf16(&text).ok()?;
                let from = String::from_utf16(self.char_sequence(*args.get(1)?)?).ok()?;
                let to = String::from_utf16(self.char_sequence(*args.get(2)?)?).ok()?;
                self.make_text(units_of(&whole.replace(&from, &to)))
            }
            ("indexOf", "(I)I") => {
                let wanted = at(1)? as u16;
                Some(Value::Number(text.iter().position(|it| *it == wanted).map_or(-1, |it| it as i64)))
            }
            ("trim" | "toLowerCase" | "toUpperCase", "()Ljava/lang/String;") => {
                let whole = String::from_utf16(&text).ok()?;
                let whole = match name {
                    "trim" => whole.trim_matches(|it| it <= ' ').to_owned(),
                    _ if !whole.is_ascii() => return None,
                    "toLowerCase" => whole.to_ascii_lowercase(),
                    _ => whole.to_ascii_uppercase(),
                };
                self.make_text(units_of(&whole))
            }
            ("intern" | "toString", _) => Some(first),
            ("equals", _) => Some(Value::Number(i64::from(self.text(*args.get(1)?)? == text))),
            _ => None,
        }
    }

    fn builder(&mut self, name: &str, proto: &str, args: &[Value]) -> Option<Value> {
        let this = *args.first()?;
        if name == "<init>" {
            let text = match proto {
                "()V" | "(I)V" => Vec::new(),
                _ => self.char_sequence(*args.get(1)?)?.to_vec(),
            };
            *self.object_mut(this)? = Object::Builder(text);
            return Some(Value::Null);
        }
        let added = match (name, proto.split(')').next()?) {
            ("append", "(C") => Some(vec![number(*args.get(1)?)? as u16]),
            ("append", "(I" | "(J") => Some(units_of(&number(*args.get(1)?)?.to_string())),
            ("append", "(Ljava/lang/String;" | "(Ljava/lang/CharSequence;" | "(Ljava/lang/StringBuilder;") => {
                Some(self.char_sequence(*args.get(1)?)?.to_vec())
            }
            ("append", "([C") => Some(self.units(*args.get(1)?)?),
            ("append", _) => return None,
            _ => None,
        };
        self.room = self.room.checked_sub(added.as_ref().map_or(0, Vec::len))?;
        let at = |n: usize| args.get(n).and_then(|it| number(*it)).and_then(|it| usize::try_from(it).ok());
        let Object::Builder(text) = self.object_mut(this)? else { return None };
        match name {
            "append" => {
                text.extend(added?);
                Some(this)
            }
            "toString" => {
                let text = text.clone();
                self.make_text(text)
            }
            "length" => Some(Value::Number(text.len() as i64)),
            "charAt" => Some(Value::Number(i64::from(*text.get(at(1)?)?))),
            "setCharAt" => {
                *text.get_mut(at(1)?)? = at(2)? as u16;
                Some(Value::Null)
            }
            "reverse" => {
                // Pairs of surrogates stay in order.
                let reversed: String = String::from_utf16(text).ok()?.chars().rev().collect();
                *text = units_of(&reversed);
                Some(this)
            }
            "deleteCharAt" => {
                let at = at(1).filter(|it| *it < text.len())?;
                text.remove(at);
                Some(this)
            }
            _ => None,
        }
    }

    fn parse(&mut self, name: &str, proto: &str, args: &[Value]) -> Option<Value> {
        let first = *args.first()?;
        let radix = args.get(1).and_then(|it| number(*it)).unwrap_or(10);
        match (name, proto.starts_with("(Ljava/lang/String;")) {
            ("parseInt" | "parseLong" | "parseByte" | "parseShort", true) => {
                let text = String::from_utf16(self.text(first)?).ok()?;
                let radix = u32::try_from(radix).ok().filter(|it| (2..=36).contains(it))?;
                let number = i64::from_str_radix(&text, radix).ok()?;
                let fits = match name {
                    "parseInt" => i32::try_from(number).is_ok(),
                    "parseByte" => i8::try_from(number).is_ok(),
                    "parseShort" => i16::try_from(number).is_ok(),
                    _ => true,
                };
                fits.then_some(Value::Number(number))
            }
            ("toString", false) if args.len() == 1 => self.make_text(units_of(&number(first)?.to_string())),
            _ => None,
        }
    }

    fn character(&mut self, name: &str, proto: &str, args: &[Value]) -> Option<Value> {
        let unit = number(*args.first()?)?;
        let letter = u32::try_from(unit).ok().and_then(char::from_u32)?;
        match (name, proto) {
            ("digit", "(CI)I") => {
                let radix = u32::try_from(number(*args.get(1)?)?).ok().filter(|it| (2..=36).contains(it))?;
                letter.is_ascii().then(|| Value::Number(letter.to_digit(radix).map_or(-1, i64::from)))
            }
            ("toString" | "valueOf", _) => self.make_text(vec![unit as u16]),
            _ => None,
        }
    }

    fn copy(&mut self, args: &[Value]) -> Option<Value> {
        let [from, from_at, to, to_at, len] = args else { return None };
        let size = |value: &Value| number(*value).and_then(|it| usize::try_from(it).ok());
        let (from_at, to_at, len) = (size(from_at)?, size(to_at)?, size(len)?);
        let Object::Numbers(_, numbers) = self.object(*from)? else { return None };
        let piece = numbers.get(from_at..from_at.checked_add(len)?)?.to_vec();
        let Object::Numbers(_, numbers) = self.object_mut(*to)? else { return None };
        numbers.get_mut(to_at..to_at.checked_add(len)?)?.copy_from_slice(&piece);
        Some(Value::Null)
    }

    fn cipher(&mut self, name: &str, proto: &str, args: &[Value]) -> Option<Value> {
        let this = *args.first()?;
        match name {
            "getInstance" => {
                let name = String::from_utf16(self.text(this)?).ok()?;
                self.make(Object::Cipher { name, key: Vec::new(), vector: Vec::new(), decrypts: false })
            }
            "init" => {
                let Object::Secret(key) = self.object(*args.get(2)?)?.clone() else { return None };
                let vector = match args.get(3) {
                    Some(it) => match self.object(*it)? {
                        Object::Secret(vector) => vector.clone(),
                        _ => return None,
                    },
                    None => Vec::new(),
                };
                let mode = number(*args.get(1)?)?;
                let Object::Cipher { key: known, vector: start, decrypts, .. } = self.object_mut(this)? else {
                    return None;
                };
                (*known, *start, *decrypts) = (key, vector, mode == DECRYPT_MODE);
                Some(Value::Null)
            }
            "doFinal" if proto == "([B)[B" => {
                let Object::Cipher { name, key, vector, decrypts: true } = self.object(this)?.clone() else {
                    return None;
                };
                let bytes = self.bytes(*args.get(1)?)?;
                let plain = decrypt(&name, &key, &vector, &bytes)?;
                self.make_bytes(&plain)
            }
            _ => None,
        }
    }

    fn decode(&mut self, text: &[u8], url: bool) -> Option<Value> {
        let text: Vec<u8> = text.iter().copied().filter(|it| !it.is_ascii_whitespace()).collect();
        let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
        let alphabet = if url { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
        let bytes = GeneralPurpose::new(alphabet, config).decode(text).ok()?;
        self.make_bytes(&bytes)
    }

    fn make_bytes(&mut self, bytes: &[u8]) -> Option<Value> {
        self.room = self.room.checked_sub(bytes.len())?;
        self.make(Object::Numbers(b'B', bytes.iter().map(|it| i64::from(*it as i8)).collect()))
    }

    fn bytes(&self, value: Value) -> Option<Vec<u8>> {
        match self.object(value)? {
            Object::Numbers(b'B', numbers) => Some(numbers.iter().map(|it| *it as u8).collect()),
            _ => None,
        }
    }

    fn bytes_or_text(&self, value: Value) -> Option<Vec<u8>> {
        match self.object(value)? {
            Object::Text(text) => Some(String::from_utf16(text).ok()?.into_bytes()),
            _ => self.bytes(value),
        }
    }

    fn units(&self, value: Value) -> Option<Vec<u16>> {
        match self.object(value)? {
            Object::Numbers(b'C', numbers) => Some(numbers.iter().map(|it| *it as u16).collect()),
            _ => None,
        }
    }

    fn char_sequence(&self, value: Value) -> Option<&[u16]> {
        match self.object(value)? {
            Object::Text(text) | Object::Builder(text) => Some(text),
            _ => None,
        }
    }

    fn decoded(&self, bytes: &[u8], charset: Value) -> Option<Vec<u16>> {
        let charset = String::from_utf16(self.text(charset)?).ok()?.to_ascii_lowercase();
        match charset.as_str() {
            "utf-8" | "utf8" | "us-ascii" => Some(utf8(bytes)),
            "iso-8859-1" | "iso8859-1" => Some(bytes.iter().map(|it| u16::from(*it)).collect()),
            _ => None,
        }
    }
}

/// AES with a key and vector that are known; padding as PKCS #5 says, or none.
fn decrypt(name: &str, key: &[u8], vector: &[u8], bytes: &[u8]) -> Option<Vec<u8>> {
    use aes::cipher::{Array, BlockCipherDecrypt, KeyInit};
    let mut parts = name.split('/');
    let algorithm = parts.next()?;
    let (mode, padding) = (parts.next().unwrap_or("ECB"), parts.next().unwrap_or("PKCS5Padding"));
    let (blocks, rest) = bytes.as_chunks::<16>();
    if !algorithm.eq_ignore_ascii_case("AES") || !rest.is_empty() {
        return None;
    }
    let mut before: [u8; 16] = match mode {
        "ECB" => [0; 16],
        "CBC" => vector.try_into().ok()?,
        _ => return None,
    };
    let mut plain = Vec::with_capacity(bytes.len());
    for block in blocks {
        let mut text = Array::from(*block);
        match key.len() {
            16 => aes::Aes128::new_from_slice(key).ok()?.decrypt_block(&mut text),
            24 => aes::Aes192::new_from_slice(key).ok()?.decrypt_block(&mut text),
            32 => aes::Aes256::new_from_slice(key).ok()?.decrypt_block(&mut text),
            _ => return None,
        }
        plain.extend(text.iter().zip(before).map(|(a, b)| a ^ b));
        if mode == "CBC" {
            before = *block;
        }
    }
    match padding {
        "NoPadding" => {}
        "PKCS5Padding" | "PKCS7Padding" => {
            let n = usize::from(*plain.last()?);
            let kept = plain.len().checked_sub(n).filter(|_| (1..=16).contains(&n))?;
            plain.truncate(kept);
        }
        _ => return None,
    }
    Some(plain)
}

fn number(value: Value) -> Option<i64> {
    match value {
        Value::Number(number) => Some(number),
        _ => None,
    }
}

fn utf8(bytes: &[u8]) -> Vec<u16> {
    String::from_utf8_lossy(bytes).encode_utf16().collect()
}

fn units_of(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn part<T: Copy>(all: &[T], from: Option<&Value>, len: Option<&Value>) -> Option<Vec<T>> {
    let size = |value: Option<&Value>| value.and_then(|it| number(*it)).and_then(|it| usize::try_from(it).ok());
    let (from, len) = (size(from)?, size(len)?);
    Some(all.get(from..from.checked_add(len)?)?.to_vec())
}

/// `Base64.URL_SAFE` of Android.
const URL_SAFE: i64 = 8;

/// `Cipher.DECRYPT_MODE` of Java.
const DECRYPT_MODE: i64 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digit = |n: usize| u8::from_str_radix(&text[n..n + 2], 16).unwrap();
        (0..text.len()).step_by(2).map(digit).collect()
    }

    #[test]
    fn aes_decrypts_as_its_standard_says() {
        // FIPS 197, appendix B and C.3; NIST SP 800-38A, F.2.2 (first two blocks).
        let plain = decrypt(
            "AES/ECB/NoPadding",
            &hex("2b7e151628aed2a6abf7158809cf4f3c"),
            &[],
            &hex("3925841d02dc09fbdc118597196a0b32"),
        );
        assert_eq!(plain.unwrap(), hex("3243f6a8885a308d313198a2e0370734"));
        let key: Vec<u8> = (0..32).collect();
        let plain = decrypt("AES/ECB/NoPadding", &key, &[], &hex("8ea2b7ca516745bfeafc49904b496089"));
        assert_eq!(plain.unwrap(), hex("00112233445566778899aabbccddeeff"));
        let plain = decrypt(
            "AES/CBC/NoPadding",
            &hex("2b7e151628aed2a6abf7158809cf4f3c"),
            &(0..16).collect::<Vec<u8>>(),
            &hex("7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2"),
        );
        assert_eq!(plain.unwrap(), hex("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"));
    }

    #[test]
    fn what_does_not_fit_is_not_decrypted() {
        let block = [0u8; 16];
        assert_eq!(decrypt("AES", &[0; 15], &[], &block), None);
        assert_eq!(decrypt("AES/ECB/NoPadding", &[0; 16], &[], &block[..15]), None);
        assert_eq!(decrypt("AES/GCM/NoPadding", &[0; 16], &[], &block), None);
        assert_eq!(decrypt("DES", &[0; 8], &[], &block), None);
        // The padding of what was decrypted with the wrong key.
        assert_eq!(decrypt("AES", &[0; 16], &[], &block), None);
    }
}
