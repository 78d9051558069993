package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.webkit.JavascriptInterface;
import android.webkit.WebView;

/** What is marked for web pages they may call, and nothing else. */
public class Main extends Activity {
    private static class Door {
        @JavascriptInterface
        public void run(String command) throws Exception {
            Runtime.getRuntime().exec(command);
        }

        public void send(String text) {
            SmsManager.getDefault().sendTextMessage("1", null, text, null, null);
        }
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        WebView view = new WebView(this);
        view.addJavascriptInterface(new Door(), "door");
    }
}
