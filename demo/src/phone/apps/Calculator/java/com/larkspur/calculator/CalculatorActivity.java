package com.larkspur.calculator;

import android.app.Activity;
import android.os.Bundle;
import android.widget.TextView;

/** Adds two numbers. */
public final class CalculatorActivity extends Activity {
    @Override
    protected void onCreate(Bundle state) {
        super.onCreate(state);
        TextView text = new TextView(this);
        text.setText(Integer.toString(sum(new int[] {19, 23})));
        setContentView(text);
    }

    static int sum(int[] numbers) {
        int sum = 0;
        for (int number : numbers) {
            sum += number;
        }
        return sum;
    }
}
