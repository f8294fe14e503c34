import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;

/** Read a published database as BI tools do: tables and descriptions of schema bi, a figure, a refused write. */
public class Read {
    public static void main(String[] arguments) throws SQLException {
        try (Connection server = DriverManager.getConnection(arguments[0], arguments[1], arguments[2])) {
            DatabaseMetaData catalogue = server.getMetaData();
            ResultSet tables = catalogue.getTables(null, "bi", "%", new String[] {"TABLE"});
            while (tables.next()) {
                System.out.println("table|" + tables.getString("TABLE_NAME") + "|" + tables.getString("REMARKS"));
            }
            ResultSet columns = catalogue.getColumns(null, "bi", "annual", "exports_usd_million");
            while (columns.next()) {
                System.out.println("column|" + columns.getString("TYPE_NAME") + "|" + columns.getString("REMARKS"));
            }
            ResultSet figure = server.createStatement().executeQuery(arguments[3]);
            while (figure.next()) {
                System.out.println("figure|" + figure.getString(1) + "|" + figure.getDouble(2));
            }
            try {
                server.createStatement().executeUpdate("delete from bi.annual");
                System.out.println("written|");
            } catch (SQLException refused) {
                System.out.println("refused|" + refused.getSQLState());
            }
        }
    }
}
