//! Lists, maps, sets, and what else holds values.

use crate::support::{NOTHING, check};

#[test]
fn a_list_keeps_a_value() {
    check("main() { List list = new ArrayList(); list.add(source()); sink(list.get(0)); }", "source -> sink");
}

#[test]
fn another_index_of_a_list_is_clean() {
    check(
        r#"main() {
               List list = new ArrayList(); list.add("none"); list.add(source()); list.add("none");
               sink1(list.get(0)); sink2(list.get(1)); sink3(list.get(2));
           }"#,
        "source -> sink2",
    );
}

#[test]
fn a_cleared_list_is_clean() {
    check("main() { List list = new ArrayList(); list.add(source()); list.clear(); sink(list.get(0)); }", NOTHING);
}

#[test]
fn a_replaced_element_of_a_list_is_clean() {
    check(
        r#"main() { List list = new ArrayList(); list.add(source()); list.set(0, "none"); sink(list.get(0)); }"#,
        NOTHING,
    );
}

#[test]
fn an_iterator_gives_what_the_list_holds() {
    check(
        r#"main() {
               List list = new ArrayList(); list.add("none"); list.add(source());
               Iterator each = list.iterator();
               while (each.hasNext()) { sink((String) each.next()); }
           }"#,
        "source -> sink",
    );
}

#[test]
fn an_iterator_of_another_list_gives_nothing() {
    check(
        r#"main() {
               List list = new ArrayList(); list.add(source());
               List other = new ArrayList(); other.add("none");
               sink(other.iterator().next());
           }"#,
        NOTHING,
    );
}

#[test]
fn the_size_of_a_list_is_clean() {
    check("main() { List list = new ArrayList(); list.add(source()); sink(list.size()); }", NOTHING);
}

#[test]
fn lists_of_two_objects_are_two_lists() {
    check(
        r#"class Box { List list = new ArrayList(); }
           main() {
               Box a = new Box(); Box b = new Box(); a.list.add(source()); b.list.add("none");
               sink1(a.list.get(0)); sink2(b.list.get(0));
           }"#,
        "source -> sink1",
    );
}

#[test]
fn a_linked_list_has_a_first_element() {
    check(
        "main() { LinkedList list = new LinkedList(); list.add(source()); sink(list.getFirst()); }",
        "source -> sink",
    );
}

#[test]
fn a_stack_gives_back_what_was_pushed() {
    check("main() { Stack stack = new Stack(); stack.push(source()); sink(stack.pop()); }", "source -> sink");
}

#[test]
fn a_queue_gives_back_what_was_offered() {
    check("main() { Queue queue = new LinkedList(); queue.offer(source()); sink(queue.poll()); }", "source -> sink");
}

#[test]
fn a_map_keeps_a_value_under_its_key() {
    check(r#"main() { Map map = new HashMap(); map.put("k", source()); sink(map.get("k")); }"#, "source -> sink");
}

#[test]
fn another_key_of_a_map_is_clean() {
    check(
        r#"main() { Map map = new HashMap(); map.put("k", source()); map.put("l", "none"); sink(map.get("l")); }"#,
        NOTHING,
    );
}

#[test]
fn an_overwritten_key_is_clean() {
    check(
        r#"main() { Map map = new HashMap(); map.put("k", source()); map.put("k", "none"); sink(map.get("k")); }"#,
        NOTHING,
    );
}

#[test]
fn an_unknown_key_may_be_any() {
    check(
        r#"main() { Map map = new HashMap(); map.put("k", source()); sink(map.get(Build.MODEL)); }"#,
        "source -> sink",
    );
}

#[test]
fn the_values_of_a_map_are_all_that_it_holds() {
    check(
        r#"main() { Map map = new HashMap(); map.put("k", source()); sink(map.values().iterator().next()); }"#,
        "source -> sink",
    );
}

#[test]
fn an_entry_of_a_map_has_its_value() {
    check(
        r#"main() {
               Map map = new HashMap(); map.put("k", source());
               Map$Entry entry = (Map$Entry) map.entrySet().iterator().next();
               sink(entry.getValue());
           }"#,
        "source -> sink",
    );
}

#[test]
fn a_key_of_a_map_is_passed_on() {
    // wrong today: `put` keeps no keys, and `keySet` gives what the values carry (knowledge, flows.toml).
    check(
        r#"main() { Map map = new HashMap(); map.put(source(), "none"); sink(map.keySet().iterator().next()); }"#,
        NOTHING,
    );
}

#[test]
fn a_set_gives_what_was_added() {
    check("main() { Set set = new HashSet(); set.add(source()); sink(set.iterator().next()); }", "source -> sink");
}

#[test]
fn a_sparse_array_keeps_its_numbers_apart() {
    check(
        "main() { SparseArray a = new SparseArray(); a.put(7, source()); sink1(a.get(7)); sink2(a.get(8)); }",
        "source -> sink1",
    );
}

#[test]
fn a_list_of_arguments_becomes_a_list() {
    check("main() { List list = Arrays.asList(new String[] { source() }); sink(list.get(0)); }", "source -> sink");
}

#[test]
fn a_list_that_is_made_of_another_has_its_elements() {
    check(
        "main() { List list = new ArrayList(); list.add(source()); List copy = new ArrayList(list); sink(copy.get(0)); }",
        "source -> sink",
    );
}

#[test]
fn a_map_in_a_list_keeps_its_keys_apart() {
    check(
        r#"main() {
               Map map = new HashMap(); map.put("k", source()); map.put("l", "none");
               List list = new ArrayList(); list.add(map);
               Map again = (Map) list.get(0);
               sink1(again.get("k")); sink2(again.get("l"));
           }"#,
        "source -> sink1",
    );
}

#[test]
fn a_pair_passes_both_on() {
    check(r#"main() { Pair pair = Pair.create("none", source()); sink(pair.second); }"#, "source -> sink");
}

#[test]
fn a_reference_gives_what_was_set() {
    check(
        "main() { AtomicReference box = new AtomicReference(); box.set(source()); sink(box.get()); }",
        "source -> sink",
    );
}

#[test]
fn a_value_of_a_thread_is_given_back() {
    check("main() { ThreadLocal box = new ThreadLocal(); box.set(source()); sink(box.get()); }", "source -> sink");
}

#[test]
fn a_list_that_a_method_fills_is_filled() {
    check(
        r#"void fill(List list) { list.add("none"); list.add(source()); }
           main() { List list = new ArrayList(); fill(list); sink1(list.get(1)); }"#,
        "source -> sink1",
    );
}
