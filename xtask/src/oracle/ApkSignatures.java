// Asks AOSP's apksig about packages. Arguments: pairs of SDK levels "MIN:MAX" (MIN "-": of the manifest; MAX "-": none),
// then "--", then files. A line each: file, pair, verdict, schemes, kinds of errors.

import com.android.apksig.ApkVerifier;
import java.io.File;
import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;

public class ApkSignatures {
    public static void main(String[] args) {
        List<String> ranges = new ArrayList<>();
        int next = 0;
        for (; !args[next].equals("--"); next++) {
            ranges.add(args[next]);
        }
        // What apksig prints while it verifies is not asked for.
        java.io.PrintStream out = System.out;
        System.setOut(new java.io.PrintStream(java.io.OutputStream.nullOutputStream()));
        System.setErr(new java.io.PrintStream(java.io.OutputStream.nullOutputStream()));
        java.security.Security.addProvider(new AndroidNames());
        for (next++; next < args.length; next++) {
            for (String range : ranges) {
                out.println(args[next] + "\t" + range + "\t" + ask(new File(args[next]), range));
            }
        }
        out.flush();
    }

    static String ask(File file, String range) {
        String[] ends = range.split(":");
        ApkVerifier.Builder builder = new ApkVerifier.Builder(file);
        if (!ends[0].equals("-")) {
            builder.setMinCheckedPlatformVersion(Integer.parseInt(ends[0]));
        }
        if (!ends[1].equals("-")) {
            builder.setMaxCheckedPlatformVersion(Integer.parseInt(ends[1]));
        }
        File idsig = new File(file.getPath() + ".idsig");
        if (idsig.exists()) {
            builder.setV4SignatureFile(idsig);
        }
        try {
            ApkVerifier.Result result = builder.build().verify();
            TreeSet<String> errors = new TreeSet<>();
            collect(errors, result.getErrors());
            for (String list : new String[] {"getV1SchemeSigners", "getV2SchemeSigners", "getV3SchemeSigners",
                    "getV31SchemeSigners", "getV4SchemeSigners"}) {
                for (Object signer : list(result, list)) {
                    collect(errors, list(signer, "getErrors"));
                }
            }
            String schemes = flag(result, "isVerifiedUsingV1Scheme", "v1") + flag(result, "isVerifiedUsingV2Scheme", "v2")
                    + flag(result, "isVerifiedUsingV3Scheme", "v3") + flag(result, "isVerifiedUsingV31Scheme", "v3.1")
                    + flag(result, "isVerifiedUsingV4Scheme", "v4") + flag(result, "isSourceStampVerified", "stamp");
            return (result.isVerified() ? "verifies" : "does-not-verify") + "\t" + schemes.trim() + "\t"
                    + String.join(" ", errors);
        } catch (Throwable error) {
            return "does-not-verify\t\tEXCEPTION " + error.toString().replaceAll("\\s+", " ");
        }
    }

    static void collect(TreeSet<String> errors, List<?> issues) {
        for (Object issue : issues) {
            errors.add(((ApkVerifier.IssueWithParams) issue).getIssue().name());
        }
    }

    // Older versions lack some of the methods.
    static List<?> list(Object of, String name) {
        try {
            Method method = of.getClass().getMethod(name);
            return (List<?>) method.invoke(of);
        } catch (ReflectiveOperationException error) {
            return List.of();
        }
    }

    static String flag(Object of, String name, String word) {
        try {
            return (boolean) of.getClass().getMethod(name).invoke(of) ? word + " " : "";
        } catch (ReflectiveOperationException error) {
            return "";
        }
    }

    // RSASSA-PSS under the names that Android gives it, which Java lacks.
    static class AndroidNames extends java.security.Provider {
        AndroidNames() {
            super("AndroidNames", "1", "");
            for (String digest : new String[] {"SHA256", "SHA512"}) {
                putService(new Service(this, "Signature", digest + "withRSA/PSS", Pss.class.getName(), null, null) {
                    @Override
                    public Object newInstance(Object parameter) throws java.security.NoSuchAlgorithmException {
                        return new Pss();
                    }
                });
            }
        }
    }

    static class Pss extends java.security.SignatureSpi {
        private final java.security.Signature signature;

        Pss() throws java.security.NoSuchAlgorithmException {
            signature = java.security.Signature.getInstance("RSASSA-PSS");
        }

        @Override
        protected void engineInitVerify(java.security.PublicKey key) throws java.security.InvalidKeyException {
            signature.initVerify(key);
        }

        @Override
        protected void engineInitSign(java.security.PrivateKey key) {
            throw new UnsupportedOperationException();
        }

        @Override
        protected void engineUpdate(byte data) throws java.security.SignatureException {
            signature.update(data);
        }

        @Override
        protected void engineUpdate(byte[] data, int offset, int len) throws java.security.SignatureException {
            signature.update(data, offset, len);
        }

        @Override
        protected byte[] engineSign() {
            throw new UnsupportedOperationException();
        }

        @Override
        protected boolean engineVerify(byte[] bytes) throws java.security.SignatureException {
            return signature.verify(bytes);
        }

        @Override
        protected void engineSetParameter(java.security.spec.AlgorithmParameterSpec parameters)
                throws java.security.InvalidAlgorithmParameterException {
            signature.setParameter(parameters);
        }

        @Override
        @Deprecated
        protected void engineSetParameter(String name, Object value) {
            throw new UnsupportedOperationException();
        }

        @Override
        @Deprecated
        protected Object engineGetParameter(String name) {
            throw new UnsupportedOperationException();
        }
    }
}
