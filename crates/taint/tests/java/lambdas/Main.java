package app;

import android.app.Activity;
import android.os.Bundle;
import android.os.Handler;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;
import java.util.function.Function;
import java.util.function.Supplier;

/** Lambdas and method references, which d8 makes classes of. */
public class Main extends Activity {
    private String kept = "none";

    private static String quoted(String text) {
        return "'" + text + "'";
    }

    private <T, R> R apply(Supplier<T> from, Function<T, R> with) {
        return with.apply(from.get());
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        TelephonyManager phone = (TelephonyManager) getSystemService(TELEPHONY_SERVICE);
        String id = apply(phone::getDeviceId, Main::quoted);
        String plain = apply(() -> "none", Main::quoted);
        new Handler().post(() -> {
            Log.i("tag", id);
            SmsManager.getDefault().sendTextMessage("5", null, plain, null, null);
        });
        runOnUiThread(this::later);
    }

    private void later() {
        SmsManager.getDefault().sendTextMessage("5", null, kept, null, null);
    }
}
