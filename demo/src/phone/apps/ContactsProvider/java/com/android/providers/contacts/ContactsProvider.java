package com.android.providers.contacts;

import android.content.ContentProvider;
import android.content.ContentValues;
import android.database.Cursor;
import android.database.MatrixCursor;
import android.net.Uri;
import java.util.ArrayList;
import java.util.List;

/** Names, in memory. */
public final class ContactsProvider extends ContentProvider {
    private final List<String> names = new ArrayList<String>();

    @Override
    public boolean onCreate() {
        return true;
    }

    @Override
    public Cursor query(Uri uri, String[] projection, String selection, String[] args, String order) {
        MatrixCursor cursor = new MatrixCursor(new String[] {"display_name"});
        for (String name : names) {
            cursor.addRow(new Object[] {name});
        }
        return cursor;
    }

    @Override
    public String getType(Uri uri) {
        return "vnd.android.cursor.dir/contact";
    }

    @Override
    public Uri insert(Uri uri, ContentValues values) {
        names.add(values.getAsString("display_name"));
        return uri;
    }

    @Override
    public int update(Uri uri, ContentValues values, String selection, String[] args) {
        return 0;
    }

    @Override
    public int delete(Uri uri, String selection, String[] args) {
        int n = names.size();
        names.clear();
        return n;
    }
}
