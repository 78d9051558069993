package dalvik.system;

public class DexClassLoader extends ClassLoader {
    public DexClassLoader(String path, String optimized, String libraries, ClassLoader parent) { }
}
