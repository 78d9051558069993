package com.larkspur.library;

/** The maker's own library, on the boot class path. */
public final class Version {
    private Version() { }

    public static String text() {
        return "L1 11";
    }
}
