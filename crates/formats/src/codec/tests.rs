use super::*;

fn decode(codec: Codec, bytes: &[u8]) -> (Vec<u8>, Option<Fault>) {
    let mut decoded = Vec::new();
    let bytes = bytes.to_vec();
    let fault = decoder(codec, Box::new(io::Cursor::new(bytes))).read_to_end(&mut decoded).err().map(Fault::from);
    (decoded, fault)
}

/// `hello hello hello\n`, packed by the tools of these names.
const SAMPLES: &[(Codec, &[u8])] = &[
    // gzip -nc
    (Codec::Gzip, b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\x57\xc8\x40\x90\x5c\x00\x3b\x7c\x8a\xdf\x12\x00\x00\x00"),
    // xz -c
    (Codec::Xz, b"\xfd\x37\x7a\x58\x5a\x00\x00\x04\xe6\xd6\xb4\x46\x02\x00\x21\x01\x16\x00\x00\x00\x74\x2f\xe5\xa3\xe0\x00\x11\x00\x0c\x5d\x00\x34\x19\x49\xee\x8d\xe9\x4f\x7e\x21\x21\xb0\x00\x00\x1f\x01\xd9\xc8\x87\xc1\x43\xc8\x00\x01\x28\x12\xc9\x6a\x62\x8e\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04\x59\x5a"),
    // xz --format=lzma -c
    (Codec::Lzma, b"\x5d\x00\x00\x80\x00\xff\xff\xff\xff\xff\xff\xff\xff\x00\x34\x19\x49\xee\x8d\xe9\x4f\x7e\x21\xb6\x20\xb7\xff\xff\xba\x34\x00\x00"),
    // bzip2 -c
    (Codec::Bzip2, b"\x42\x5a\x68\x39\x31\x41\x59\x26\x53\x59\xe5\xb5\xf3\x09\x00\x00\x04\x51\x00\x00\x10\x40\x00\x02\x44\xa0\x00\x21\xb5\x18\x0c\x02\x90\x69\xc2\xa3\x0b\xb9\x22\x9c\x28\x48\x72\xda\xf9\x84\x80"),
    // zstd -qc
    (Codec::Zstd, b"\x28\xb5\x2f\xfd\x24\x12\x6d\x00\x00\x38\x68\x65\x6c\x6c\x6f\x20\x0a\x01\x00\x31\x4a\x11\xa3\xaa\x74\xce"),
    // zstd -qc --no-check
    (Codec::Zstd, b"\x28\xb5\x2f\xfd\x20\x12\x6d\x00\x00\x38\x68\x65\x6c\x6c\x6f\x20\x0a\x01\x00\x31\x4a\x11"),
    // brotli -c
    (Codec::Brotli, b"\x21\x44\x00\x04\x68\x65\x6c\x6c\x6f\x20\x68\x65\x6c\x6c\x6f\x20\x68\x65\x6c\x6c\x6f\x0a\x03"),
    // lz4 -c
    (Codec::Lz4, b"\x04\x22\x4d\x18\x64\x40\xa7\x0f\x00\x00\x00\x63\x68\x65\x6c\x6c\x6f\x20\x06\x00\x50\x65\x6c\x6c\x6f\x0a\x00\x00\x00\x00\xc6\x59\xd8\x5b"),
    // lz4 -c -BX --content-size
    (Codec::Lz4, b"\x04\x22\x4d\x18\x7c\x40\x12\x00\x00\x00\x00\x00\x00\x00\xce\x0f\x00\x00\x00\x63\x68\x65\x6c\x6c\x6f\x20\x06\x00\x50\x65\x6c\x6c\x6f\x0a\x04\x70\x4d\xc7\x00\x00\x00\x00\xc6\x59\xd8\x5b"),
    // lz4 -l -c
    (Codec::Lz4, b"\x02\x21\x4c\x18\x0f\x00\x00\x00\x63\x68\x65\x6c\x6c\x6f\x20\x06\x00\x50\x65\x6c\x6c\x6f\x0a"),
];

#[test]
fn a_stream_is_known_and_decoded() {
    for (codec, bytes) in SAMPLES {
        if *codec != Codec::Brotli {
            assert_eq!(Codec::of(bytes), Some(*codec));
        }
        assert_eq!(decode(*codec, bytes), (b"hello hello hello\n".to_vec(), None), "{codec:?}");
    }
}

#[test]
fn members_one_behind_the_other_are_one_stream_and_zeros_are_padding() {
    for (codec, bytes) in SAMPLES.iter().filter(|it| !matches!(it.0, Codec::Brotli | Codec::Lzma)) {
        let twice = [bytes, *bytes, &[0; 8]].concat();
        assert_eq!(decode(*codec, &twice), (b"hello hello hello\nhello hello hello\n".to_vec(), None), "{codec:?}");
        let behind = [*bytes, b"something else"].concat();
        let (decoded, fault) = decode(*codec, &behind);
        assert_eq!(decoded, b"hello hello hello\n", "{codec:?}");
        assert!(fault.is_some(), "{codec:?}");
    }
}

#[test]
fn a_stream_that_is_cut_off_never_looks_whole() {
    for (codec, bytes) in SAMPLES {
        for len in 0..bytes.len() {
            let (_, fault) = decode(*codec, &bytes[..len]);
            // A legacy frame has no end mark: cut between blocks, it looks whole.
            let legacy = bytes.starts_with(&[2, 0x21]) && len == 4;
            assert!(fault.is_some() || legacy, "{codec:?} cut at {len}");
        }
    }
}
