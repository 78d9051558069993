import java.lang.annotation.*;

/** What a dex file says beside its code. */
class Annotated {
    enum Size { SMALL, LARGE }

    @Retention(RetentionPolicy.RUNTIME)
    @interface Mark {
        String name() default "";
        int[] numbers() default {};
        Class<?> type() default Object.class;
        Size size() default Size.SMALL;
        Inner inner() default @Inner(truth = false);
        long far() default 0;
        double part() default 0;
    }

    @Retention(RetentionPolicy.RUNTIME)
    @interface Inner { boolean truth(); }

    @Mark(name = "field") int field;

    @Mark(name = "method", numbers = {1, -2, 70000}, type = String.class, size = Size.LARGE,
            inner = @Inner(truth = true), far = -5000000000L, part = 0.5)
    int marked(@Deprecated String text) {
        int n = text.length();
        if (n > 3) {
            n += 1;
        }
        return n;
    }

    void plain() { }
}
