//! Work that runs later or elsewhere: threads, handlers, messages, tasks, executors, timers.

use crate::support::{NOTHING, check};

#[test]
fn a_thread_that_is_started_runs() {
    check(
        "class T extends Thread { String f; void run() { sink(f); } }
         main() { T t = new T(); t.f = source(); t.start(); }",
        "source -> sink",
    );
}

#[test]
fn a_thread_that_is_not_started_does_not_run() {
    check(
        "class T extends Thread { String f; void run() { sink(f); } } main() { T t = new T(); t.f = source(); }",
        NOTHING,
    );
}

#[test]
fn a_thread_runs_what_it_was_made_with() {
    check(
        "main() { String x = source(); new Thread(new Runnable() { void run() { sink(x); } }).start(); }",
        "source -> sink",
    );
}

#[test]
fn what_a_thread_writes_others_read() {
    check(
        "activity Main {
             String f;
             void onCreate(Bundle saved) { new Thread(new Runnable() { void run() { f = source(); } }).start(); }
             void onPause() { sink(f); }
         }",
        "source -> sink",
    );
}

#[test]
fn two_threads_have_their_own_values() {
    check(
        r#"class T extends Thread { String f; int n; void run() { if (n == 1) { sink(f); } } }
           main() { T a = new T(); T b = new T(); a.f = source(); b.f = "none"; b.start(); }"#,
        NOTHING,
    );
}

#[test]
fn a_handler_runs_what_is_posted() {
    check(
        "main() { String x = source(); new Handler().postDelayed(new Runnable() { void run() { sink(x); } }, 9L); }",
        "source -> sink",
    );
}

#[test]
fn a_view_runs_what_is_posted() {
    check(
        "main() { String x = source(); findViewById(1).post(new Runnable() { void run() { sink(x); } }); }",
        "source -> sink",
    );
}

#[test]
fn the_main_thread_runs_what_it_is_given() {
    check(
        "main() { String x = source(); runOnUiThread(new Runnable() { void run() { sink(x); } }); }",
        "source -> sink",
    );
}

#[test]
fn a_handler_handles_the_message_that_it_is_sent() {
    check(
        "class H extends Handler { void handleMessage(Message m) { sink((String) m.obj); } }
         main() { H h = new H(); Message m = new Message(); m.obj = source(); h.sendMessage(m); }",
        "source -> sink",
    );
}

#[test]
fn another_field_of_a_message_is_clean() {
    check(
        "class H extends Handler { void handleMessage(Message m) { sink(m.what); } }
         main() { H h = new H(); Message m = new Message(); m.obj = source(); h.sendMessage(m); }",
        NOTHING,
    );
}

#[test]
fn a_message_that_a_handler_makes_comes_back_to_it() {
    check(
        "class H extends Handler { void handleMessage(Message m) { sink((String) m.obj); } }
         main() { H h = new H(); h.obtainMessage(1, source()).sendToTarget(); }",
        "source -> sink",
    );
}

#[test]
fn a_message_goes_to_its_handler_only() {
    check(
        "class A extends Handler { void handleMessage(Message m) { sink1((String) m.obj); } }
         class B extends Handler { void handleMessage(Message m) { sink2((String) m.obj); } }
         main() { A a = new A(); B b = new B(); b.sendMessage(Message.obtain(b, 1, source())); a.sendMessage(new Message()); }",
        "source -> sink2",
    );
}

#[test]
fn the_data_of_a_message_keeps_its_keys_apart() {
    check(
        r#"class H extends Handler { void handleMessage(Message m) { sink1(m.getData().getString("k")); sink2(m.getData().getString("l")); } }
           main() {
               Bundle b = new Bundle(); b.putString("k", source()); b.putString("l", "none");
               Message m = Message.obtain(); m.setData(b); new H().sendMessage(m);
           }"#,
        "source -> sink1",
    );
}

#[test]
fn a_task_gives_what_it_found_to_its_end() {
    check(
        r#"class T extends AsyncTask {
               Object doInBackground(Object[] in) { return in[0]; }
               void onPostExecute(Object out) { sink((String) out); }
           }
           main() { new T().execute(new Object[] { source() }); }"#,
        "source -> sink",
    );
}

#[test]
fn a_task_keeps_its_arguments_apart() {
    check(
        r#"class T extends AsyncTask { Object doInBackground(Object[] in) { sink1((String) in[0]); sink2((String) in[1]); return null; } }
           main() { new T().execute(new Object[] { source(), "none" }); }"#,
        "source -> sink1",
    );
}

#[test]
fn a_task_that_is_not_executed_does_nothing() {
    check(
        "class T extends AsyncTask { Object doInBackground(Object[] in) { sink(source()); return null; } } main() { new T(); }",
        NOTHING,
    );
}

#[test]
fn a_task_tells_of_its_progress() {
    check(
        "class T extends AsyncTask {
             Object doInBackground(Object[] in) { publishProgress(new Object[] { source() }); return null; }
             void onProgressUpdate(Object[] it) { sink((String) it[0]); }
         }
         main() { new T().execute(null); }",
        "source -> sink",
    );
}

#[test]
fn an_executor_runs_what_it_is_given() {
    check(
        "main() { String x = source(); Executors.newSingleThreadExecutor().execute(new Runnable() { void run() { sink(x); } }); }",
        "source -> sink",
    );
}

#[test]
fn a_future_gives_what_was_found() {
    check(
        "main() {
             Future f = Executors.newSingleThreadExecutor().submit(new Callable() { Object call() { return source(); } });
             sink((String) f.get());
         }",
        "source -> sink",
    );
}

#[test]
fn another_future_is_clean() {
    check(
        r#"main() {
               ExecutorService pool = Executors.newSingleThreadExecutor();
               Future a = pool.submit(new Callable() { Object call() { return source(); } });
               Future b = pool.submit(new Callable() { Object call() { return "none"; } });
               sink((String) b.get());
           }"#,
        NOTHING,
    );
}

#[test]
fn a_future_task_gives_what_was_found() {
    check(
        "main() {
             FutureTask f = new FutureTask(new Callable() { Object call() { return source(); } });
             f.run(); sink((String) f.get());
         }",
        "source -> sink",
    );
}

#[test]
fn a_timer_runs_its_task() {
    check(
        "main() { String x = source(); new Timer().schedule(new TimerTask() { void run() { sink(x); } }, 9L); }",
        "source -> sink",
    );
}

#[test]
fn a_scheduled_executor_runs_its_task() {
    check(
        "main() {
             Future f = Executors.newScheduledThreadPool(1).schedule(new Callable() { Object call() { return source(); } }, 1L, TimeUnit.SECONDS);
             sink((String) f.get());
         }",
        "source -> sink",
    );
}

#[test]
fn a_count_down_ends() {
    check(
        "main() {
             String x = source();
             new CountDownTimer(9L, 1L) { void onTick(long left) { } void onFinish() { sink(x); } }.start();
         }",
        "source -> sink",
    );
}

#[test]
fn a_runnable_that_posts_itself_settles() {
    check(
        "class Again implements Runnable { Handler h = new Handler(); String f; void run() { sink(f); f = source(); h.postDelayed(this, 9L); } }
         main() { new Handler().post(new Again()); }",
        "source -> sink",
    );
}

#[test]
fn a_stage_of_a_future_gets_what_the_one_before_gave() {
    check(
        "main() {
             CompletableFuture.supplyAsync(new Supplier() { Object get() { return source(); } })
                 .thenAccept(new Consumer() { void accept(Object x) { sink((String) x); } });
         }",
        "source -> sink",
    );
}

#[test]
fn a_queue_between_threads_passes_a_value_on() {
    check(
        "class A { static LinkedBlockingQueue q = new LinkedBlockingQueue(); }
         main() {
             new Thread(new Runnable() { void run() { A.q.put(source()); } }).start();
             new Thread(new Runnable() { void run() { sink((String) A.q.take()); } }).start();
         }",
        "source -> sink",
    );
}
