package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.StringReader;

/** Exceptions, try with resources, varargs, enums with fields, a switch on an enum. */
public class Main extends Activity {
    enum Kind {
        SECRET, PLAIN
    }

    static class Failure extends Exception {
        final String detail;

        Failure(String detail) {
            super("failed");
            this.detail = detail;
        }
    }

    private static String first(String... all) {
        return all[0];
    }

    private String read(String text) throws IOException {
        try (BufferedReader reader = new BufferedReader(new StringReader(text))) {
            return reader.readLine();
        }
    }

    private void fail(Kind kind, String id) throws Failure {
        switch (kind) {
            case SECRET:
                throw new Failure(id);
            case PLAIN:
                throw new Failure("none");
            default:
        }
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        String id = ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId();
        try {
            fail(Kind.SECRET, first(read(id), "none"));
        } catch (Failure failure) {
            Log.i("tag", failure.detail);
            SmsManager.getDefault().sendTextMessage("5", null, failure.getMessage(), null, null);
        } catch (IOException e) {
            finish();
        }
    }
}
