package app;

import android.content.BroadcastReceiver;
import android.content.Context;
import android.content.Intent;
import java.io.IOException;

/** Implicit: who knows the word has a command run; any other word does nothing. */
public class Main extends BroadcastReceiver {
    @Override
    public void onReceive(Context context, Intent intent) {
        String word = intent.getStringExtra("word");
        if (word == null || !word.equals("xyzzy")) {
            return;
        }
        try {
            Runtime.getRuntime().exec("id");
        } catch (IOException e) {
            return;
        }
    }
}
