//! PKCS #7 `SignedData`: who signed, with what, over which bytes.
//!
//! Source: RFC 5652; AOSP `tools/apksig`, `internal/pkcs7`.

use crate::ber::{self, NotBer, Value, Values};
use crate::certificate::comparable;

/// A `SignedData`.
#[derive(Debug)]
pub struct SignedData<'a> {
    /// Object identifier of what was signed.
    pub content_type: &'a [u8],
    /// The certificates, encoded.
    pub certificates: Vec<&'a [u8]>,
    /// Who signed.
    pub signers: Vec<SignerInfo<'a>>,
}

/// One signer.
#[derive(Debug)]
pub struct SignerInfo<'a> {
    /// Issuer (comparable) and serial number of the certificate; none where it is named in another way.
    pub issued: Option<(Vec<u8>, &'a [u8])>,
    /// Object identifier of the digest.
    pub digest: &'a [u8],
    /// Object identifier of the signature's algorithm.
    pub algorithm: &'a [u8],
    /// The signed attributes.
    pub attributes: Option<Value<'a>>,
    /// The signature.
    pub signature: &'a [u8],
}

impl<'a> SignedData<'a> {
    /// Reads a `ContentInfo` that holds one.
    pub fn read(bytes: &'a [u8]) -> Result<SignedData<'a>, NotBer> {
        let mut info = Values::of(bytes).expect(ber::SEQUENCE)?.inner();
        if info.expect(ber::OID)?.body != OID_SIGNED_DATA {
            return Err(NotBer);
        }
        let mut data = info.expect(ber::CONTEXT_0)?.inner().expect(ber::SEQUENCE)?.inner();
        data.expect(ber::INTEGER)?;
        for algorithm in data.expect(ber::SET)?.inner().all()? {
            algorithm_of(&algorithm)?;
        }
        let content_type = data.expect(ber::SEQUENCE)?.inner().expect(ber::OID)?.body;
        let certificates = match data.optional(ber::CONTEXT_0)? {
            Some(set) => set.inner().all()?.iter().map(|it| it.whole).collect(),
            None => Vec::new(),
        };
        data.optional(ber::CONTEXT_1)?;
        let infos = data.expect(ber::SET)?.inner().all()?;
        let signers = infos.iter().map(signer_of).collect::<Result<Vec<_>, NotBer>>()?;
        Ok(SignedData { content_type, certificates, signers })
    }
}

fn signer_of<'a>(info: &Value<'a>) -> Result<SignerInfo<'a>, NotBer> {
    if info.tag != ber::SEQUENCE {
        return Err(NotBer);
    }
    let mut info = info.inner();
    info.expect(ber::INTEGER)?;
    let issued = match info.optional(ber::SEQUENCE)? {
        Some(issued) => {
            let mut issued = issued.inner();
            let issuer = issued.read()?.ok_or(NotBer)?;
            Some((comparable(&issuer)?, issued.expect(ber::INTEGER)?.magnitude()))
        }
        None => {
            info.expect(KEY_IDENTIFIER)?;
            None
        }
    };
    let digest = algorithm_of(&info.expect(ber::SEQUENCE)?)?;
    let attributes = info.optional(ber::CONTEXT_0)?;
    let algorithm = algorithm_of(&info.expect(ber::SEQUENCE)?)?;
    let signature = info.expect(ber::OCTET_STRING)?.body;
    Ok(SignerInfo { issued, digest, algorithm, attributes, signature })
}

fn algorithm_of<'a>(value: &Value<'a>) -> Result<&'a [u8], NotBer> {
    Ok(value.inner().expect(ber::OID)?.body)
}

/// Signed attributes: each type with its only value, of those that have one.
#[derive(Debug)]
pub struct Attributes<'a>(Vec<(&'a [u8], Vec<Value<'a>>)>);

impl<'a> Attributes<'a> {
    /// Reads them; a type that stands twice is refused.
    pub fn read(set: &Value<'a>) -> Result<Attributes<'a>, NotBer> {
        let mut found: Vec<(&[u8], Vec<Value>)> = Vec::new();
        for attribute in set.inner().all()? {
            let mut attribute = attribute.inner();
            let oid = attribute.expect(ber::OID)?.body;
            let values = attribute.expect(ber::SET)?.inner().all()?;
            if found.iter().any(|it| it.0 == oid) {
                return Err(NotBer);
            }
            found.push((oid, values));
        }
        Ok(Attributes(found))
    }

    /// The value of a type; `None` where it is missing, a fault where there are several.
    pub fn single(&self, oid: &[u8]) -> Result<Option<Value<'a>>, NotBer> {
        match self.0.iter().find(|it| it.0 == oid).map(|it| it.1.as_slice()) {
            None | Some([]) => Ok(None),
            Some([value]) => Ok(Some(*value)),
            Some(_) => Err(NotBer),
        }
    }
}

/// `signedData`, 1.2.840.113549.1.7.2
const OID_SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
/// `[0]`, primitive
const KEY_IDENTIFIER: u8 = 0x80;

/// `contentType`, 1.2.840.113549.1.9.3
pub const OID_CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
/// `messageDigest`, 1.2.840.113549.1.9.4
pub const OID_MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = SignedData::read(&bytes);
        }
    }
}
