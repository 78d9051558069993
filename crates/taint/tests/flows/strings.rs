//! Text: builders, pieces, formats, and text that is only known once it is decoded.

use crate::support::{NOTHING, check};

#[test]
fn a_builder_carries_what_is_appended() {
    check(
        r#"main() { StringBuilder b = new StringBuilder(); b.append("a"); b.append(source()); sink(b.toString()); }"#,
        "source -> sink",
    );
}

#[test]
fn another_builder_is_clean() {
    check(
        r#"main() {
               StringBuilder a = new StringBuilder(); StringBuilder b = new StringBuilder();
               a.append(source()); b.append("none"); sink(b.toString());
           }"#,
        NOTHING,
    );
}

#[test]
fn a_builder_before_the_value_is_appended_is_clean() {
    check(
        r#"main() {
               StringBuilder b = new StringBuilder(); b.append("none"); String x = b.toString();
               b.append(source()); sink(x);
           }"#,
        NOTHING,
    );
}

#[test]
fn texts_that_are_added_carry_both() {
    check(r#"main() { sink("a" + source1() + "b" + source2()); }"#, "source1 -> sink\nsource2 -> sink");
}

#[test]
fn a_builder_in_a_field_is_one_builder() {
    check(
        "class A { StringBuilder b = new StringBuilder(); void add(String x) { b.append(x); } String all() { return b.toString(); } }
         main() { A a = new A(); a.add(source()); sink(a.all()); }",
        "source -> sink",
    );
}

#[test]
fn a_part_of_a_text_carries_it() {
    check("main() { sink(source().substring(3).trim().toLowerCase()); }", "source -> sink");
}

#[test]
fn the_pieces_of_a_text_carry_it() {
    check(r#"main() { String[] all = source().split(","); sink(all[1]); }"#, "source -> sink");
}

#[test]
fn a_character_carries_its_text() {
    check("main() { char c = source().charAt(0); sink(c); }", "source -> sink");
}

#[test]
fn a_format_carries_its_arguments() {
    check(r#"main() { sink(String.format("%s", new Object[] { source() })); }"#, "source -> sink");
}

#[test]
fn the_length_of_a_text_is_clean() {
    check("main() { sink(source().length()); }", NOTHING);
}

#[test]
fn a_comparison_is_clean() {
    check(r#"main() { sink(source().equals("x")); }"#, NOTHING);
}

#[test]
fn an_encoded_text_carries_what_it_is_made_of() {
    check(
        r#"main() { sink(Base64.encodeToString(source().getBytes(), 0)); sink(URLEncoder.encode(source2(), "UTF-8")); }"#,
        "source -> sink\nsource2 -> sink",
    );
}

#[test]
fn a_number_in_a_text_carries_it() {
    check("main() { int n = Integer.parseInt(source()); sink(Integer.toHexString(n ^ 7)); }", "source -> sink");
}

#[test]
fn a_text_of_bytes_carries_them() {
    check("main() { byte[] b = source().getBytes(); sink(new String(b)); }", "source -> sink");
}

#[test]
fn a_text_that_is_mixed_byte_by_byte_carries_it() {
    check(
        "main() {
             byte[] b = source().getBytes(); int n = 0;
             while (n < b.length) { b[n] = (byte) (b[n] ^ 42); n = n + 1; }
             sink(new String(b));
         }",
        "source -> sink",
    );
}

#[test]
fn a_table_that_is_asked_with_a_character_gives_it_away() {
    // wrong today: an index is no value that is passed on, though the letters of the table follow it one by one.
    check(
        r#"main() {
               String from = source(); String letters = "abcdefgh"; StringBuilder out = new StringBuilder(); int n = 0;
               while (n < from.length()) { out.append(letters.charAt(from.charAt(n) - 'a')); n = n + 1; }
               sink(out.toString());
           }"#,
        NOTHING,
    );
}

#[test]
fn a_writer_gives_back_what_was_written() {
    check(
        "main() { StringWriter out = new StringWriter(); out.write(source()); sink(out.toString()); }",
        "source -> stream-output\nsource -> sink",
    );
}

#[test]
fn a_stream_of_bytes_gives_back_what_was_written() {
    check(
        "main() { ByteArrayOutputStream out = new ByteArrayOutputStream(); out.write(source().getBytes()); sink(new String(out.toByteArray())); }",
        "source -> sink\nsource -> stream-output",
    );
}

#[test]
fn an_object_that_is_written_and_read_again_is_the_same() {
    check(
        "class A { String f; }
         main() {
             A a = new A(); a.f = source();
             ByteArrayOutputStream bytes = new ByteArrayOutputStream();
             new ObjectOutputStream(bytes).writeObject(a);
             A b = (A) new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray())).readObject();
             sink(b.f);
         }",
        "source -> sink",
    );
}

#[test]
fn what_is_read_into_a_buffer_carries_the_stream() {
    check(
        r#"main() {
               InputStream in = new URL("http://x.invalid/").openStream(); byte[] b = new byte[99]; in.read(b);
               Runtime.getRuntime().exec(new String(b));
           }"#,
        "network-input -> execute-command",
    );
}

#[test]
fn a_line_that_is_read_carries_the_stream() {
    check(
        r#"main() {
               InputStream in = new URL("http://x.invalid/").openStream();
               String line = new BufferedReader(new InputStreamReader(in)).readLine();
               Runtime.getRuntime().exec(line);
           }"#,
        "network-input -> execute-command",
    );
}

#[test]
fn a_field_of_text_is_not_what_its_object_tells_of_itself() {
    check(
        r#"class A { String f; String toString() { return "A"; } }
           main() { A a = new A(); a.f = source(); sink(a.toString()); sink2("it is " + a); }"#,
        NOTHING,
    );
}

#[test]
fn what_an_object_tells_of_itself_is_appended() {
    check(
        r#"class A { String f; String toString() { return f; } }
           main() { A a = new A(); a.f = source(); sink("it is " + a); }"#,
        "source -> sink",
    );
}

#[test]
fn a_decoder_of_the_program_is_run_on_constants() {
    let program = |key: u8, decoder: &str| {
        let hidden: String = "Leak".bytes().map(|it| char::from(it ^ key)).collect();
        format!(
            r#"class Leak {{ Leak() {{ sink(source()); }} }}
               {decoder}
               main() {{ Class.forName(decode("{hidden}", {key})).newInstance(); }}"#
        )
    };
    let decoder = r#"String decode(String x, int key) {
        StringBuilder out = new StringBuilder(); int n = 0;
        while (n < x.length()) { out.append((char) (x.charAt(n) ^ key)); n = n + 1; }
        return out.toString();
    }"#;
    check(&program(1, decoder), "source -> sink");
    check(&program(3, decoder), "source -> sink");
    // Another key gives another name.
    check(&program(1, &decoder.replace("^ key", "^ 2")), NOTHING);
}

#[test]
fn a_decoder_that_does_not_end_is_given_up() {
    check(
        r#"String decode(String x) { int n = 0; while (n < x.length()) { n = n * 1; } return x; }
           main() { Class.forName(decode("Leak")).newInstance(); sink(source()); }"#,
        "source -> sink",
    );
}
