"""Answers questions about SELinux policies with setools, one JSON object a line in, one out."""

import json
import sys

import setools


def perms(rule):
    return " ".join(sorted(str(it) for it in rule.perms))


def line(rule):
    return f"{rule.source} {rule.target} {rule.tclass} {perms(rule)}"


def conditional(rule):
    try:
        rule.conditional
        return True
    except setools.exception.RuleNotConditional:
        return False


def holds(rule, state):
    if not conditional(rule):
        return True
    return rule.conditional.evaluate(**{str(it): state[str(it)] for it in rule.conditional.booleans}) == rule.conditional_block


def expand(it):
    return it.expand() if isinstance(it, setools.policyrep.TypeAttribute) else [it]


class Policy:
    def __init__(self, path):
        self.policy = setools.SELinuxPolicy(path)
        self.state = {str(it): it.state for it in self.policy.bools()}
        self.allow = [it for it in self.policy.terules() if str(it.ruletype) == "allow"]

    def counts(self):
        p = self.policy
        return {
            "Classes": p.class_count, "Types": p.type_count, "Attributes": p.type_attribute_count,
            "Users": p.user_count, "Roles": p.role_count, "Booleans": p.boolean_count,
            "Sensitivities": p.level_count, "Categories": p.category_count, "Cond. Expr.": p.conditional_count,
            "Allow": p.allow_count, "Auditallow": p.auditallow_count, "Dontaudit": p.dontaudit_count,
            "Type_trans": p.type_transition_count, "Type_change": p.type_change_count,
            "Type_member": p.type_member_count, "Permissives": p.permissives_count,
            "Initial SIDs": p.initialsids_count, "Fs_use": p.fs_use_count, "Genfscon": p.genfscon_count,
            "Portcon": p.portcon_count, "Constraints": p.constraint_count + p.mlsconstraint_count
            + p.validatetrans_count + p.mlsvalidatetrans_count,
        }

    def permissive(self):
        return sorted(str(it) for it in self.policy.types() if it.ispermissive)

    def attributes(self):
        return {str(it): sorted(str(type_) for type_ in it.expand()) for it in self.policy.typeattributes()}

    def allows(self):
        return sorted({line(it) for it in self.allow if not conditional(it)})

    def conditional_allows(self):
        return sum(conditional(it) for it in self.allow)

    def extended(self):
        numbers = {}
        for rule in self.policy.terules():
            if str(rule.ruletype) == "allowxperm":
                key = f"{rule.source} {rule.target} {rule.tclass}"
                numbers.setdefault(key, set()).update(rule.perms)
        return {key: sorted(it) for key, it in numbers.items()}

    def source(self, name):
        """The rules that `sesearch -A -s NAME` prints, those that a boolean decides about left out."""
        query = setools.TERuleQuery(self.policy, ruletype=["allow"], source=name, source_indirect=True)
        return sorted({line(it) for it in query.results() if not conditional(it)})

    def access(self, name):
        """What a domain may do to every type, attributes resolved, booleans as they stand."""
        query = setools.TERuleQuery(self.policy, ruletype=["allow"], source=name, source_indirect=True)
        merged = {}
        for rule in query.results():
            if holds(rule, self.state):
                for target in expand(rule.target):
                    merged.setdefault(f"{target} {rule.tclass}", set()).update(str(it) for it in rule.perms)
        return sorted(f"{key} {' '.join(sorted(it))}" for key, it in merged.items())

    def who(self, target, tclass, permission):
        """Who may do one thing to a type, attributes resolved, booleans as they stand."""
        query = setools.TERuleQuery(self.policy, ruletype=["allow"], target=target, target_indirect=True,
                                    tclass=[tclass], perms=[permission])
        rules = [it for it in query.results() if holds(it, self.state)]
        return sorted({str(source) for it in rules for source in expand(it.source)})

    def transitions(self):
        """`type_transition` of processes, attributes resolved."""
        rules = [it for it in self.policy.terules() if str(it.ruletype) == "type_transition" and str(it.tclass) == "process"]
        return sorted({f"{source} {target} {it.default}" for it in rules
                       for source in expand(it.source) for target in expand(it.target)})


def main():
    path, policy = None, None
    for question in map(json.loads, sys.stdin):
        try:
            if question["policy"] != path:
                path, policy = question["policy"], None
                policy = Policy(path)
            answer = getattr(policy, question["ask"])(*question["of"])
            print(json.dumps({"answer": answer}), flush=True)
        except Exception as error:  # Told to who asked.
            print(json.dumps({"error": f"{type(error).__name__}: {error}"}), flush=True)


main()
