package com.larkspur.calibration;

import android.util.Log;
import java.io.IOException;
import java.net.Socket;

/** Says hello to an address that is reserved for documentation. */
public final class Main implements Runnable {
    @Override
    public void run() {
        try {
            Socket socket = new Socket("192.0.2.77", 4242);
            socket.getOutputStream().write("hello\n".getBytes("UTF-8"));
            socket.close();
        } catch (IOException e) {
            Log.w("Calibration", "nobody there", e);
        }
    }
}
