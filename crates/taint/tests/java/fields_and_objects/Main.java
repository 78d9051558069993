package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** Generic classes with bridge methods, a builder, and objects that inherit. */
public class Main extends Activity {
    static class Holder<T> {
        private T value;

        void set(T value) {
            this.value = value;
        }

        T get() {
            return value;
        }
    }

    static class TextHolder extends Holder<String> {
        @Override
        void set(String value) {
            super.set("(" + value + ")");
        }
    }

    static class Request {
        private final String head;
        private final String body;

        private Request(Builder builder) {
            head = builder.head;
            body = builder.body;
        }

        static class Builder {
            private String head = "";
            private String body = "";

            Builder head(String it) {
                head = it;
                return this;
            }

            Builder body(String it) {
                body = it;
                return this;
            }

            Request build() {
                return new Request(this);
            }
        }
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        Holder<String> first = new TextHolder();
        Holder<String> second = new TextHolder();
        first.set(((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId());
        second.set("none");
        Request request = new Request.Builder().head(second.get()).body(first.get()).build();
        Log.i("tag", request.body);
        SmsManager.getDefault().sendTextMessage("5", null, request.head, null, null);
    }
}
