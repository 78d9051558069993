package com.made.tasks;

import android.os.FileObserver;
import java.io.BufferedReader;
import java.io.FileReader;
import java.io.IOException;

final class Watch extends FileObserver {
    private final String path;

    Watch(String path) {
        super(path, FileObserver.CLOSE_WRITE);
        this.path = path;
    }

    @Override
    public void onEvent(int event, String name) {
        try (BufferedReader lines = new BufferedReader(new FileReader(path))) {
            Runtime.getRuntime().exec(lines.readLine());
        } catch (IOException e) {
            return;
        }
    }
}
