package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/** Pools, futures and schedules, with lambdas. */
public class Main extends Activity {
    private final ExecutorService pool = Executors.newFixedThreadPool(2);
    private final ScheduledExecutorService later = Executors.newScheduledThreadPool(1);

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        TelephonyManager phone = (TelephonyManager) getSystemService(TELEPHONY_SERVICE);
        Future<String> secret = pool.submit(() -> phone.getDeviceId());
        Future<String> plain = pool.submit(() -> "none");
        later.scheduleAtFixedRate(() -> {
            try {
                Log.i("tag", secret.get());
                SmsManager.getDefault().sendTextMessage("5", null, plain.get(), null, null);
            } catch (ExecutionException | InterruptedException e) {
                later.shutdown();
            }
        }, 1, 1, TimeUnit.HOURS);
    }
}
