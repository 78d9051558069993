package com.made.info;

import android.app.Activity;
import android.os.Bundle;

public final class Info extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        if ("details-2290".equals(getIntent().getStringExtra("page"))) {
            setTitle("Details");
        }
    }
}
