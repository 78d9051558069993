package q;

class Base {
    protected int count;
    long size;
    Object held;
    boolean flag;
    byte small;
    char letter;
    short half;

    int add(int a, int b) { return a + b; }
    long wide(long a, long b, int c, int d) { return a + b + c + d; }
}

public class Quick extends Base {
    static volatile int total;
    final String name;

    Quick(String name) { this.name = name; }

    public String describe(Object other, int kind) {
        String text = (String) other;
        if (text.length() == Math.max(kind, 3)) {
            return name;
        }
        flag = kind > 3;
        small = (byte) kind;
        letter = (char) kind;
        half = (short) kind;
        count = add(count, kind) + small + letter + half;
        size += wide(size, 2L, count, flag ? 1 : 0);
        held = text;
        switch (kind) {
            case 1: return text.trim();
            case 2: return text.concat(name);
            case 3: return ((Quick) held).name;
            case 4: return "four";
            case 5: return "five";
            case 6: return "six";
            case 7: return "seven";
            case 8: return "eight";
            case 100000: return "far";
            default: break;
        }
        try {
            return text.substring(kind) + held;
        } catch (IndexOutOfBoundsException e) {
            total++;
            return e.getMessage();
        } finally {
            count = 0;
        }
    }

    public int[] table(int n) {
        int[] values = { 1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144, 233, 377, 610, 987, 1597, 2584, 4181, 6765, 10946 };
        values[0] = n;
        return values;
    }
}
